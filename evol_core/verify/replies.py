"""What a model wrote when it was asked for a checker: one JSON with `func` and `cases`, or why it is not that.

Nothing here is compiled or run. Sizes are bounded before anything reads into a text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from evol_core.verify.expectations import Expected, expected_of

MAX_REPLY_CHARS = 262_144
MAX_SOURCE_CHARS = 65_536
MAX_INPUT_CHARS = 65_536
MAX_CASES = 100
MAX_STARTS = 64
"""So many opening brackets are tried as the beginning of the JSON."""


class ReplyReject(StrEnum):
    """Why a whole reply is of no use."""

    NOT_TEXT = "not_text"
    EMPTY = "empty"
    REPLY_TOO_LONG = "reply_too_long"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_FUNC = "no_func"
    FUNC_NOT_TEXT = "func_not_text"
    FUNC_EMPTY = "func_empty"
    SOURCE_TOO_LONG = "source_too_long"
    NO_CASES = "no_cases"
    CASES_NOT_A_LIST = "cases_not_a_list"
    TOO_MANY_CASES = "too_many_cases"


class CaseReject(StrEnum):
    """Why one case of a reply is of no use; its checker and its other cases stand."""

    ODD_CASE = "odd_case"
    """No object, or without `input` or `output`."""
    INPUT_NOT_TEXT = "input_not_text"
    INPUT_TOO_LONG = "input_too_long"
    ODD_EXPECTATION = "odd_expectation"


class Case(NamedTuple):
    """A response, and whether it follows the constraint."""

    input: str
    expected: Expected


class RejectedCase(NamedTuple):
    place: int
    """In the reply's list, from 0."""

    reason: CaseReject


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckerReply:
    """A reply that holds a checker."""

    source: str
    """As the model wrote it; whether it compiles is for the sandbox to say."""

    cases: tuple[Case, ...]
    rejected_cases: tuple[RejectedCase, ...] = ()


def parse_reply(reply: object, *, strict_expectations: bool = False) -> CheckerReply | ReplyReject:
    """The checker and the cases in a reply, whatever fence or talk stands round them.

    Args:
        reply: text; anything else is rejected as such.
        strict_expectations: see `expected_of`.
    """
    if not isinstance(reply, str):
        return ReplyReject.NOT_TEXT
    if not reply.strip():
        return ReplyReject.EMPTY
    if len(reply) > MAX_REPLY_CHARS:
        return ReplyReject.REPLY_TOO_LONG
    said = _find_object(reply)
    if isinstance(said, ReplyReject):
        return said
    return _unfit(said) or _checker(said, strict_expectations)


def repairs(source: str) -> Iterator[str]:
    """What a source may have been before its line ends were escaped once too often, best guess first.

    Only for a source that does not compile as it is: in one that does, a backslash and an n are meant.
    """
    guesses = [_unescaped_once(source), source.replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\t", "\t")]
    for guess in dict.fromkeys(guess for guess in guesses if guess is not None):
        if guess != source:
            yield guess


def _find_object(reply: str) -> dict[str, Any] | ReplyReject:
    """The first object with a `func`; else what the reply's first JSON is instead. Nothing inside another counts."""
    values = list(_json_values(reply))
    found = next((value for value in values if isinstance(value, dict) and "func" in value), None)
    if found is not None:
        return found
    if not values or values[0] is _UNREADABLE:
        return ReplyReject.NOT_JSON
    return ReplyReject.NO_FUNC if isinstance(values[0], dict) else ReplyReject.NOT_AN_OBJECT


_DECODER = json.JSONDecoder(strict=False)
_OPENING = re.compile(r"[{\[]")
_UNREADABLE = object()


def _json_values(reply: str) -> Iterator[object]:
    """The objects and lists in a text one after the other; _UNREADABLE where one is broken, or nested too deep."""
    at = 0
    for _ in range(MAX_STARTS):
        opening = _OPENING.search(reply, at)
        if opening is None:
            return
        try:
            value, at = _DECODER.raw_decode(reply, opening.start())
        except (ValueError, RecursionError):
            value, at = _UNREADABLE, opening.end()
        yield value


def _unfit(said: Mapping[str, Any]) -> ReplyReject | None:
    func, cases = said["func"], said.get("cases")
    rules = (
        (not isinstance(func, str), ReplyReject.FUNC_NOT_TEXT),
        (isinstance(func, str) and not func.strip(), ReplyReject.FUNC_EMPTY),
        (isinstance(func, str) and len(func) > MAX_SOURCE_CHARS, ReplyReject.SOURCE_TOO_LONG),
        ("cases" not in said, ReplyReject.NO_CASES),
        (not isinstance(cases, list), ReplyReject.CASES_NOT_A_LIST),
        (isinstance(cases, list) and len(cases) > MAX_CASES, ReplyReject.TOO_MANY_CASES),
    )
    return next((reason for broken, reason in rules if broken), None)


def _checker(said: Mapping[str, Any], strict: bool) -> CheckerReply:
    cases: list[Case] = []
    rejected: list[RejectedCase] = []
    for place, case in enumerate(said["cases"]):
        read = _case(case, strict)
        if isinstance(read, CaseReject):
            rejected.append(RejectedCase(place, read))
        else:
            cases.append(read)
    return CheckerReply(source=said["func"], cases=tuple(cases), rejected_cases=tuple(rejected))


def _case(case: object, strict: bool) -> Case | CaseReject:
    if not isinstance(case, dict) or not {"input", "output"} <= case.keys():
        return CaseReject.ODD_CASE
    if not isinstance(case["input"], str):
        return CaseReject.INPUT_NOT_TEXT
    if len(case["input"]) > MAX_INPUT_CHARS:
        return CaseReject.INPUT_TOO_LONG
    expected = expected_of(case["output"], strict=strict)
    return CaseReject.ODD_EXPECTATION if expected is None else Case(case["input"], expected)


def _unescaped_once(source: str) -> str | None:
    """The source with one level of JSON's escapes taken off; None where it is no escaped text."""
    quoted = source if '\\"' in source or '"' not in source else source.replace('"', '\\"')
    try:
        text = _DECODER.decode(f'"{quoted}"')
    except ValueError:
        return None
    return text if isinstance(text, str) else None
