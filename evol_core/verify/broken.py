"""Answers that follow no constraint. A checker that accepts all of them tells nothing: it is constant."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evol_core.records import content_hash
from evol_core.sandbox.jobs import CheckVerdict
from evol_core.verify.replies import CheckerReply

CONSTANT = "constant"

MAX_OF_A_KIND = 4


class BrokenAnswer(NamedTuple):
    """An answer that a good checker refuses, most likely."""

    kind: str
    text: str


def broken_answers(
    query: str, *, right: Iterable[str] = (), wrong: Iterable[str] = (), of_others: Iterable[str] = ()
) -> tuple[BrokenAnswer, ...]:
    """A fixed set of broken answers for one constraint, at most MAX_OF_A_KIND of a kind, no text twice.

    Args:
        query: what was asked; itself no answer.
        right: answers that follow the constraint; the first half of each is one that was cut off.
        wrong: answers that are said to break the constraint.
        of_others: answers to other constraints.
    """
    kinds = (
        ("empty", ("",)),
        ("query", (query,)),
        ("truncated", tuple(text[: len(text) // 2] for text in right)),
        ("wrong", tuple(wrong)),
        ("of_another", tuple(of_others)),
    )
    first: dict[str, BrokenAnswer] = {}
    for kind, texts in kinds:
        for text in tuple(dict.fromkeys(texts))[:MAX_OF_A_KIND]:
            first.setdefault(text, BrokenAnswer(kind, text))
    return tuple(first.values())


def is_constant(verdicts: Sequence[CheckVerdict]) -> bool:
    """Whether a checker accepted every broken answer.

    Raises:
        ValueError: there was none, so nothing is known.
    """
    if not verdicts:
        raise ValueError("is_constant: needs the verdicts on at least one broken answer")
    return all(verdict is CheckVerdict.TRUE for verdict in verdicts)


def answer_pool(replies: Iterable[tuple[str, Sequence[CheckerReply]]]) -> list[tuple[str, str]]:
    """A few right answers to different constraints, whatever their order: (constraint, answer)."""
    pool: dict[str, tuple[str, str]] = {}
    for constraint, checkers in replies:
        right = [case.input for reply in checkers for case in reply.cases if case.expected is True]
        if right:
            pool[content_hash([constraint])] = (constraint, min(right))
        if len(pool) > 4 * MAX_OF_A_KIND:
            pool = {key: pool[key] for key in sorted(pool)[: MAX_OF_A_KIND + 1]}
    return [pool[key] for key in sorted(pool)[: MAX_OF_A_KIND + 1]]
