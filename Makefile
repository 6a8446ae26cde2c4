.PHONY: demo test bench setup lock clean

demo: setup
	.venv/bin/evol demo $(ARGS)

test: setup
	.venv/bin/python scripts/checks.py $(STEPS)

bench: setup
	.venv/bin/python -m bench $(NAMES)

setup:
	@scripts/setup

lock:
	scripts/lock $(ARGS)

clean:
	rm -rf .venv .venv-jobs .tools build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
