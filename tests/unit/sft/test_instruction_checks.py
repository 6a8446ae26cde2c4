import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.errors import InputError
from evol_core.recipe import EvaluateRecipe
from evol_core.sft.instruction_checks import Item, Rates, check_answer, rates, read_items

ITEM = Item(number=3, prompt="Shout.", checks=(("case", {}), ("words", {"at_least": 2})))


def check(name: str, arguments: Mapping[str, Any], prompt: str, answer: str) -> tuple[bool, bool]:
    if "broken" in answer:
        raise LookupError("no such data")
    return (answer.isupper(), True) if name == "case" else (len(answer.split()) >= arguments["at_least"],) * 2


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_every_instruction_of_an_item_gets_its_own_verdict() -> None:
    found = check_answer(ITEM, "hello there", "", check)

    assert [(one.check_id, one.strict, one.loose) for one in found] == [("case", False, True), ("words", True, True)]


def test_no_answer_is_no_verdict_and_says_why() -> None:
    found = check_answer(ITEM, None, "prompt longer than the context", check)

    assert {(one.strict, one.loose, one.reason) for one in found} == {(None, None, "prompt longer than the context")}
    assert rates(found) == Rates(2, 0, None, None)


def test_an_empty_answer_follows_nothing() -> None:
    assert {one.strict for one in check_answer(ITEM, " \n", "", check)} == {False}


def test_a_check_that_breaks_is_not_a_failed_answer() -> None:
    found = check_answer(ITEM, "broken", "", check)

    assert [one.reason for one in found] == ["check_failed: LookupError: no such data"] * 2
    assert rates([*found, *check_answer(ITEM, "GOOD DAY", "", check)]) == Rates(4, 2, 1.0, 1.0)


def test_arguments_that_are_null_are_not_given(tmp_path: Path) -> None:
    row = {"key": 1, "prompt": "P", "instruction_id_list": ["case"], "kwargs": [{"n": None, "m": 2}]}

    (item,) = read_items(write(tmp_path / "p.jsonl", row), ["case"])

    assert item == Item(number=1, prompt="P", checks=(("case", {"m": 2}),))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"prompt": "P", "instruction_id_list": ["other"]},
            r"unknown checks \['other'\]; known: \['case'\]",
        ),
        ({"prompt": "P"}, r"p.jsonl:1: wanted are key, prompt"),
        (
            {"prompt": "P", "instruction_id_list": ["case"], "kwargs": [{}, {}]},
            r"p.jsonl:1: .*as many kwargs",
        ),
    ],
)
def test_a_line_that_is_no_item_is_named(row: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_items(write(tmp_path / "p.jsonl", row), ["case"])


def test_lm_eval_is_off_until_a_task_is_named() -> None:
    recipe = EvaluateRecipe(name="a", prompts="p.jsonl")

    assert recipe.lm_eval.tasks == ()


def test_the_examples_prompts_can_be_read() -> None:
    lines = (PROJECT_ROOT / "examples/verifiable.jsonl").read_text().splitlines()
    names = {name for line in lines for name in json.loads(line)["instruction_id_list"]}

    assert len(read_items(PROJECT_ROOT / "examples/verifiable.jsonl", list(names))) == len(lines) == 8
