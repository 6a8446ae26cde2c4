"""Asks a model for checkers of a constraint, several times (methods 4, step 2)."""

from dataclasses import dataclass

from evol_core.llm.port import Program, ask, together
from evol_core.records import Generation, RequestHash, canonical_json
from evol_core.text import printable
from evol_core.verify.asking import Asking
from evol_core.verify.replies import CheckerReply, ReplyReject, parse_reply

NAME = "write_checker"
ENGINE_ERROR = "engine_error"

PROMPT = """\
An answer to some question has to follow this rule: {constraint}

Write a Python function `evaluate(response)` that takes the text of an answer and returns True where it follows the \
rule and False where it does not. Use the standard library only. Then make three test cases: an answer each, and \
whether the function must return true or false for it. Let at least one be true and one be false.

Reply with one JSON object and nothing else. Its key "func" holds the source of the function as one string, with \
\\n for each new line. Its key "cases" holds a list of three objects with the keys "input" (an answer) and "output" \
(true or false)."""

SCHEMA = canonical_json(
    {
        "type": "object",
        "properties": {
            "func": {"type": "string"},
            "cases": {
                "type": "array",
                "minItems": 3,
                "maxItems": 3,
                "items": {
                    "type": "object",
                    "properties": {"input": {"type": "string"}, "output": {"type": "boolean"}},
                    "required": ["input", "output"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["func", "cases"],
        "additionalProperties": False,
    }
)
"""For engines that can hold a model to a form: Decoding.json_schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledReply:
    """One reply to the request for a checker."""

    request: RequestHash
    text: str
    """What a file can hold of it, which is what was read."""

    checker: CheckerReply | None
    reason: str = ""
    """Why there is no checker: a ReplyReject, or engine_error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledCheckers:
    """All replies for one constraint."""

    constraint: str
    replies: tuple[SampledReply, ...]

    @property
    def checkers(self) -> tuple[CheckerReply, ...]:
        return tuple(reply.checker for reply in self.replies if reply.checker is not None)


def sample_checkers(
    constraint: str, n_samples: int, asking: Asking, *, strict_expectations: bool = False
) -> Program[SampledCheckers]:
    """Ask for a checker and its cases so many times; exactly one reply each, whatever became of it."""
    prompt = PROMPT.format(constraint=constraint)
    requests = [asking.request(NAME, prompt, about=constraint, sample=sample) for sample in range(n_samples)]
    generations = yield from together([ask(request) for request in requests])
    replies = tuple(
        _read(request.hash, generation, strict_expectations)
        for request, generation in zip(requests, generations, strict=True)
    )
    return SampledCheckers(constraint=constraint, replies=replies)


def _read(request: RequestHash, generation: Generation, strict: bool) -> SampledReply:
    text = printable(generation.text)
    if generation.finish_reason == "error":
        return SampledReply(request=request, text=text, checker=None, reason=ENGINE_ERROR)
    parsed = parse_reply(text, strict_expectations=strict)
    if isinstance(parsed, ReplyReject):
        return SampledReply(request=request, text=text, checker=None, reason=parsed.value)
    return SampledReply(request=request, text=text, checker=parsed)
