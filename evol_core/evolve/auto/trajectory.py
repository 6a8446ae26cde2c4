"""What a model planned and wrote when it evolved an instruction by itself: the whole way, not only its end.

Where the engine enforces a schema the reply is JSON of four keys; else it stands under four headings, and is read
tolerantly. What could not be read says why.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evol_core.evolve.auto.headings import FINAL, METHODS, PLAN, REWRITE, sections
from evol_core.records import Generation
from evol_core.text import reply_text

MIN_METHODS = 2
MAX_METHODS = 8
"""Entries of the list in a structured reply; without an end, a small model lists until its tokens are spent, and
where none is asked of it, it leaves the list empty."""

MAX_METHOD_CHARS = 120
MAX_PLAN_CHARS = 600
"""Where a structured plan ends, in the middle of a word if need be: a small model goes round in it else."""

JSON_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "methods": {
                "type": "array",
                "items": {"type": "string", "maxLength": MAX_METHOD_CHARS},
                "minItems": MIN_METHODS,
                "maxItems": MAX_METHODS,
            },
            "plan": {"type": "string", "maxLength": MAX_PLAN_CHARS},
            "rewrite": {"type": "string"},
            "final": {"type": "string"},
        },
        "required": ["methods", "plan", "rewrite", "final"],
        "additionalProperties": False,
    },
    separators=(",", ":"),
)
"""For engines that enforce it. Keys keep this order, which is that of the steps: the plan before what it plans.

Rewrite and final have no longest text: in a text with one, vLLM's grammar allows no quotation mark and no line's end,
and a task that ends in the middle would be taken for a finished one."""

FORMATS = {
    "json": "Reply in JSON with four keys: methods, a list of short texts; plan, rewrite and final, one text each.\n"
    "final holds the finished task and nothing else.",
    "headings": "Reply under these four headings, each on a line of its own:\n"
    "### Methods\n### Plan\n### Rewrite\n### Final\n"
    "Under Final stands the finished task and nothing else.",
}
"""What the model is told of the form of its reply."""

_ITEM = re.compile(r"^(?:[-*+•]|\(?\d{1,3}[.):])\s*")


class Outcome(StrEnum):
    """How a reply was read, or why it could not be."""

    JSON = "json"
    HEADINGS = "headings"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    BROKEN_JSON = "broken_json"
    NO_FINAL = "no_final"
    """Nothing that says: here is the finished text."""
    EMPTY_FINAL = "empty_final"
    ENGINE_ERROR = "engine_error"

    @property
    def parsed(self) -> bool:
        return self in (Outcome.JSON, Outcome.HEADINGS)


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """One reply, step by step."""

    outcome: Outcome
    methods: tuple[str, ...] = ()
    """The ways to make the instruction harder, as the model listed them; numbering and bullets taken off."""

    plan: str | None = None
    """None where the reply has no such step."""

    rewrite: str | None = None
    final: str | None = None
    """The finished text; None where the outcome says why."""

    raw: str


def read_reply(generation: Generation) -> Trajectory:
    """A recorded reply as a trajectory."""
    if generation.finish_reason == "error":
        return Trajectory(outcome=Outcome.ENGINE_ERROR, raw="")
    return read_trajectory(generation.text, truncated=generation.finish_reason == "length")


def read_trajectory(raw: str, *, truncated: bool = False) -> Trajectory:
    """A reply in either form; `truncated` where the model was cut off, so that its last step is not whole."""
    text = reply_text(raw)
    if not text:
        return Trajectory(outcome=Outcome.EMPTY, raw=raw)
    if text.startswith(("{", "```")) and (said := _json_object(text)) is not None:
        return _from_json(said, raw, truncated)
    return _from_headings(text, raw, truncated)


def _json_object(text: str) -> dict[str, Any] | None:
    start = text.find("{")
    try:
        said, _ = json.JSONDecoder().raw_decode(text[start:]) if start >= 0 else (None, 0)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _from_json(said: dict[str, Any], raw: str, truncated: bool) -> Trajectory:
    methods = said.get("methods")
    listed = tuple(_method(one) for one in methods if isinstance(one, str)) if isinstance(methods, list) else ()
    return _trajectory(
        Outcome.JSON,
        raw,
        truncated,
        methods=tuple(one for one in listed if one),
        plan=_text(said, "plan"),
        rewrite=_text(said, "rewrite"),
        final=_text(said, "final"),
    )


def _text(said: dict[str, Any], key: str) -> str | None:
    value = said.get(key)
    return reply_text(value) if isinstance(value, str) else None


def _from_headings(text: str, raw: str, truncated: bool) -> Trajectory:
    found = sections(text)
    if FINAL not in found and text.startswith(("{", "```")) and not truncated:
        return Trajectory(outcome=Outcome.BROKEN_JSON, raw=raw)
    listed = (_method(line) for line in found.get(METHODS, "").splitlines())
    return _trajectory(
        Outcome.HEADINGS,
        raw,
        truncated,
        methods=tuple(one for one in listed if one),
        plan=found.get(PLAN),
        rewrite=found.get(REWRITE),
        final=found.get(FINAL),
    )


def _trajectory(
    form: Outcome,
    raw: str,
    truncated: bool,
    *,
    methods: tuple[str, ...],
    plan: str | None,
    rewrite: str | None,
    final: str | None,
) -> Trajectory:
    outcome = form
    if truncated:
        outcome = Outcome.TRUNCATED
    elif final is None:
        outcome = Outcome.NO_FINAL
    elif not final:
        outcome = Outcome.EMPTY_FINAL
    whole = final if outcome is form else None
    return Trajectory(
        outcome=outcome, methods=methods, plan=plan or None, rewrite=rewrite or None, final=whole, raw=raw
    )


def _method(line: str) -> str:
    return _ITEM.sub("", line.strip()).strip()
