"""Set-up: pip's settings said to uv, locks that hold no address, one last line over all checks."""

import re
from collections import Counter
from pathlib import Path

import pytest

from scripts.checks import counts_of, last_line, main
from scripts.pip_settings import settings_of, uv_environment

REQUIREMENTS = Path(__file__).parents[3] / "requirements"
LOCKS = ["control", "dev", "jobs", "jobs-dev", "jobs-gpu"]

LISTING = """\
:env:.find-links='/wheels'
:env:.timeout='180'
global.extra-index-url='\\nhttps://one/simple\\nhttps://two/simple'
global.find-links='/ignored'
global.index-url='https://zero/simple'
install.index-url='https://main/simple'
download.index-url='https://other/simple'
"""


def test_uv_looks_where_pip_does() -> None:
    assert uv_environment(settings_of(LISTING), {}) == {
        "UV_DEFAULT_INDEX": "https://main/simple",
        "UV_INDEX": "https://one/simple https://two/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels",
        "UV_HTTP_TIMEOUT": "180",
    }


def test_what_uv_was_told_itself_stays() -> None:
    assert "UV_FIND_LINKS" not in uv_environment({"find-links": "/wheels"}, {"UV_FIND_LINKS": "/mine"})


def test_a_pip_without_settings_says_nothing() -> None:
    assert uv_environment(settings_of(""), {}) == {}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_versions_and_hashes_and_no_address(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text()

    assert not re.search(r"://|^-|file:|find-links|index-url| @ ", text, re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_everything_that_is_asked_for(name: str) -> None:
    wanted = (REQUIREMENTS / f"{name}.in").read_text()
    for other in re.findall(r"^-r (.+)", wanted, re.MULTILINE):
        wanted += (REQUIREMENTS / other).read_text()
    asked = re.findall(r"^[a-z0-9][a-z0-9-]*", wanted, re.MULTILINE)
    locked = set(re.findall(r"^([a-z0-9._-]+)", (REQUIREMENTS / f"{name}.txt").read_text(), re.MULTILINE))

    assert [package for package in asked if package not in locked] == []


def test_torch_is_left_to_the_set_up() -> None:
    assert not re.search(r"^(torch|triton|nvidia|cuda)\b", (REQUIREMENTS / "jobs.txt").read_text(), re.MULTILINE)


def test_the_last_line_reads_as_pytests() -> None:
    counted = Counter(passed=3, failed=1, skipped=2)

    assert last_line(counted, 12.5) == "========== 1 failed, 3 passed, 2 skipped in 12.50s =========="


def test_a_run_that_wrote_no_report_is_an_error(tmp_path: Path) -> None:
    assert counts_of(tmp_path / "missing.xml") == Counter(errors=1)


def test_a_report_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite tests="6" failures="1" errors="1" skipped="1"/></testsuites>')

    assert counts_of(report) == Counter(passed=3, failed=1, errors=1, skipped=1)


def test_an_unknown_step_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nope"]) == 2
    assert "unknown steps ['nope']; known: ['lint', 'format'," in capsys.readouterr().err
