"""One query with two answers as a program: the judge is asked in both orders at once."""

from dataclasses import dataclass

from evol_core.judge.verdict import Kind, Outcome, combine, of_a
from evol_core.judge.wording import Label, parse, prompt
from evol_core.llm.port import Program
from evol_core.records import Generation, ModelRef, RequestHash
from evol_core.requests import Decoding, GenerateRequest, Message, request_seed
from evol_core.text import has_lone_surrogate

NAME = "judge"

ENGINE_ERROR = "engine_error"
"""The judge could not be asked, for example because both answers are longer than its context."""

NOT_UNICODE = "not_unicode"
"""A text holds half of a surrogate pair: no model can be asked of it."""

NO_LABEL = "no_label"
"""The judge's reply names no verdict, or several."""

TRUNCATED = "truncated"
"""The reply was cut at its token limit before a verdict came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Two answers to one query."""

    id: str
    """Of the row: what both answers have in common."""

    query: str
    a: str
    b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Who judges, and how."""

    model: ModelRef
    decoding: Decoding
    recipe_seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A judge's word on one match; all outcomes are A's."""

    id: str
    verdict: Outcome
    kind: Kind
    first: Outcome
    """With A as the first answer."""

    swapped: Outcome
    """With B as the first answer."""

    reason: str
    """Why the verdict is unparsed; empty where it is not."""

    first_text: str
    """The judge's raw reply with A first; empty where it was not asked."""

    swapped_text: str
    first_hash: RequestHash | None
    """Of the request; None where the judge was not asked."""

    swapped_hash: RequestHash | None
    words_a: int
    words_b: int


def judge_match(match: Match, judging: Judging) -> Program[Judged]:
    """Both orders, one verdict."""
    words = {"words_a": len(match.a.split()), "words_b": len(match.b.split())}
    if has_lone_surrogate(match.query + match.a + match.b):
        return _unasked(match, words)
    first = _request(match.id, prompt(match.query, match.a, match.b), "first", judging)
    swapped = _request(match.id, prompt(match.query, match.b, match.a), "swapped", judging)
    replies = yield (first, swapped)
    outcomes = [of_a(_label_of(reply), a_stood_first=place == 0) for place, reply in enumerate(replies)]
    combined = combine(*outcomes)
    return Judged(
        id=match.id,
        verdict=combined.verdict,
        kind=combined.kind,
        first=outcomes[0],
        swapped=outcomes[1],
        reason=next((_reason(reply) for reply, said in zip(replies, outcomes, strict=True) if said == "unparsed"), ""),
        first_text=replies[0].text,
        swapped_text=replies[1].text,
        first_hash=first.hash,
        swapped_hash=swapped.hash,
        **words,
    )


def _request(about: str, content: str, order: str, judging: Judging) -> GenerateRequest:
    return GenerateRequest(
        model=judging.model,
        messages=(Message("user", content),),
        decoding=judging.decoding,
        seed=request_seed(judging.recipe_seed, about, f"{NAME}_{order}", 0, 0),
    )


def _label_of(reply: Generation) -> Label | None:
    return None if reply.finish_reason == "error" else parse(reply.text)


def _reason(reply: Generation) -> str:
    if reply.finish_reason == "error":
        return ENGINE_ERROR
    return TRUNCATED if reply.finish_reason == "length" else NO_LABEL


def _unasked(match: Match, words: dict[str, int]) -> Judged:
    return Judged(
        id=match.id,
        verdict=Outcome.UNPARSED,
        kind=Kind.UNPARSED,
        first=Outcome.UNPARSED,
        swapped=Outcome.UNPARSED,
        reason=NOT_UNICODE,
        first_text="",
        swapped_text="",
        first_hash=None,
        swapped_hash=None,
        **words,
    )
