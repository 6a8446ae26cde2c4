import re

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.lineage.analyst import EXAMPLES, PARQUET_EXAMPLES, Example, examples

PAGE = (PROJECT_ROOT / "docs/cookbook.md").read_text(encoding="utf-8")

SHOWN = re.findall(r"^`evol sql (?:(--duckdb) \S+ )?--example (\w+)`$", PAGE, flags=re.MULTILINE)
"""Whether it is a question to Parquet, and its name."""


def test_there_are_questions_enough_to_begin_with() -> None:
    assert len([name for duckdb, name in SHOWN if not duckdb]) >= 20
    assert len([name for duckdb, name in SHOWN if duckdb]) >= 5


@pytest.mark.parametrize(("duckdb", "name"), SHOWN)
def test_the_cookbook_shows_each_example_as_it_is(duckdb: str, name: str) -> None:
    (found,) = (found for found in examples(PARQUET_EXAMPLES if duckdb else EXAMPLES) if found.name == name)

    assert f"### {found.title}\n" in PAGE
    assert found.query.partition("\n")[2].strip() in PAGE, "scripts/cookbook.py writes the page"


@pytest.mark.parametrize("found", examples() + examples(PARQUET_EXAMPLES), ids=lambda found: found.name)
def test_every_example_begins_with_its_question(found: Example) -> None:
    assert re.match(r"-- [A-Z].*\?\n(SELECT|WITH)\b", found.query)
