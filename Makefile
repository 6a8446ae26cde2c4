.PHONY: demo test bench faults setup lock clean

demo: setup
	.venv/bin/evol demo $(ARGS)

test: setup
	.venv/bin/python scripts/checks.py $(STEPS)

bench: setup
	.venv/bin/python -m bench $(NAMES)

faults: setup
	EVOL_FAULTS=long .venv/bin/python scripts/checks.py faults

setup:
	@scripts/setup

lock:
	scripts/lock $(ARGS)

clean:
	rm -rf .venv .venv-jobs .tools build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
