"""Replies of every kind: a checker with its cases, or a typed reject; never a crash."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.verify import replies
from evol_core.verify.replies import (
    MAX_CASES,
    MAX_INPUT_CHARS,
    MAX_REPLY_CHARS,
    MAX_SOURCE_CHARS,
    Case,
    CaseReject,
    CheckerReply,
    ReplyReject,
    parse_reply,
    repairs,
)

SOURCE = "def evaluate(response):\n    return response.endswith('.')\n"
GOOD = json.dumps({"func": SOURCE, "cases": [{"input": "a.", "output": True}, {"input": "b", "output": "False"}]})
CASES = (Case("a.", True), Case("b", False))


def reply_with(**said: object) -> str:
    return json.dumps({"func": SOURCE, "cases": [], **said})


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```",
        f"```python\n{GOOD}```",
        f"~~~\n{GOOD}\n~~~",
        f"Here is the function you asked for:\n\n```json\n{GOOD}\n```\nIt checks the last character.",
        f"Sure! {GOOD} I hope this helps.",
        f"The set {{a, b}} is meant [1].\n{GOOD}",
        f"```json\n{GOOD}",
        GOOD.replace("\\n", "\n"),
        f"\ufeff{GOOD}",
    ],
    ids=["bare", "json", "plain", "python", "tildes", "talk", "inline", "braces", "unclosed", "raw newlines", "bom"],
)
def test_a_checker_is_found_in_any_wrapping(reply: str) -> None:
    assert parse_reply(reply) == CheckerReply(source=SOURCE, cases=CASES)


def test_a_fence_inside_the_source_is_no_end() -> None:
    source = "def evaluate(response):\n    return '```' in response\n"

    parsed = parse_reply(f"```json\n{reply_with(func=source)}\n```")

    assert parsed == CheckerReply(source=source, cases=())


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (None, ReplyReject.NOT_TEXT),
        (7, ReplyReject.NOT_TEXT),
        ("", ReplyReject.EMPTY),
        (" \n", ReplyReject.EMPTY),
        ("I cannot write code.", ReplyReject.NOT_JSON),
        (SOURCE, ReplyReject.NOT_JSON),
        ('{"func": "x", "cases": [', ReplyReject.NOT_JSON),
        ('{"func": "x", "cases": [{"input": "a", "output": True}]}', ReplyReject.NOT_JSON),
        (GOOD[:-20], ReplyReject.NOT_JSON),
        ("[1, 2]", ReplyReject.NOT_AN_OBJECT),
        (f"[{GOOD}]", ReplyReject.NOT_AN_OBJECT),
        ('{"code": "x"}', ReplyReject.NO_FUNC),
        (f'{{"result": {GOOD}}}', ReplyReject.NO_FUNC),
        ('{"func": "x"}', ReplyReject.NO_CASES),
        (reply_with(func=["x"]), ReplyReject.FUNC_NOT_TEXT),
        (reply_with(func=None), ReplyReject.FUNC_NOT_TEXT),
        (reply_with(func=" "), ReplyReject.FUNC_EMPTY),
        (reply_with(func="x" * (MAX_SOURCE_CHARS + 1)), ReplyReject.SOURCE_TOO_LONG),
        (reply_with(func="x" * 10**6), ReplyReject.REPLY_TOO_LONG),
        ("x" * (MAX_REPLY_CHARS + 1), ReplyReject.REPLY_TOO_LONG),
        (reply_with(cases={"input": "a", "output": True}), ReplyReject.CASES_NOT_A_LIST),
        (reply_with(cases=None), ReplyReject.CASES_NOT_A_LIST),
        (reply_with(cases=[{"input": "a", "output": True}] * (MAX_CASES + 1)), ReplyReject.TOO_MANY_CASES),
        ("[" * 100_000, ReplyReject.NOT_JSON),
        ('{"a":' * 50_000, ReplyReject.NOT_JSON),
        ("9" * 10_000, ReplyReject.NOT_JSON),
        ('{"func": ' + "9" * 10_000 + "}", ReplyReject.NOT_JSON),
    ],
)
def test_a_reply_without_a_checker_is_rejected_by_its_fault(reply: object, reason: ReplyReject) -> None:
    assert parse_reply(reply) is reason


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("a", CaseReject.ODD_CASE),
        (["a", True], CaseReject.ODD_CASE),
        ({"input": "a"}, CaseReject.ODD_CASE),
        ({"output": True}, CaseReject.ODD_CASE),
        ({"input": 7, "output": True}, CaseReject.INPUT_NOT_TEXT),
        ({"input": ["a"], "output": True}, CaseReject.INPUT_NOT_TEXT),
        ({"input": None, "output": True}, CaseReject.INPUT_NOT_TEXT),
        ({"input": "a" * (MAX_INPUT_CHARS + 1), "output": True}, CaseReject.INPUT_TOO_LONG),
        ({"input": "a", "output": "perhaps"}, CaseReject.ODD_EXPECTATION),
        ({"input": "a", "output": {}}, CaseReject.ODD_EXPECTATION),
    ],
)
def test_an_odd_case_costs_neither_the_checker_nor_the_other_cases(case: object, reason: CaseReject) -> None:
    parsed = parse_reply(reply_with(cases=[{"input": "a.", "output": 1}, case]))

    assert isinstance(parsed, CheckerReply)
    assert parsed.cases == (Case("a.", True),)
    assert parsed.rejected_cases == ((1, reason),)


def test_half_a_surrogate_pair_passes_through() -> None:
    parsed = parse_reply('{"func": "x", "cases": [{"input": "\\ud800", "output": true}]}')

    assert isinstance(parsed, CheckerReply)
    assert parsed.cases == (Case("\ud800", True),)


@pytest.mark.parametrize("reply", ["{" * MAX_REPLY_CHARS, '{"a":[' * 40_000, '{"' + "\\u0041" * 40_000, "[{" * 100_000])
def test_a_hostile_reply_is_begun_only_a_few_times(reply: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each beginning may cost the whole reply; from each of its brackets it would take minutes."""
    begun: list[int] = []

    class Counting(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            begun.append(idx)
            return super().raw_decode(s, idx)

    monkeypatch.setattr(replies, "_DECODER", Counting(strict=False))

    assert isinstance(parse_reply(reply), ReplyReject)
    assert 1 <= len(begun) <= replies.MAX_STARTS


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text()), st.text().map(lambda t: f'{{"func": {t}')))
def test_no_reply_crashes(reply: object) -> None:
    assert isinstance(parse_reply(reply), ReplyReject | CheckerReply)


def test_source_that_was_escaped_twice_is_guessed_back() -> None:
    twice = json.dumps(SOURCE)[1:-1]

    assert next(repairs(twice)) == SOURCE


def test_a_newline_inside_a_text_survives_the_repair() -> None:
    source = 'def evaluate(response):\n    return len(response.split("\\n")) == 3\n'
    twice = json.dumps(source)[1:-1]

    assert next(repairs(twice)) == source


def test_half_escaped_source_has_a_second_guess() -> None:
    mixed = "def evaluate(response):\\n    return True\n# it's \\d\n"

    assert "def evaluate(response):\n    return True\n# it's \\d\n" in list(repairs(mixed))


def test_source_without_escapes_has_nothing_to_repair() -> None:
    assert list(repairs(SOURCE)) == []
