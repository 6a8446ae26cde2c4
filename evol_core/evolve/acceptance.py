"""The rules that accept or refuse an evolution: pure, each with a name that is the reason it gives.

The first rule that holds refuses. An engine's error is no rule: the row failed, nobody refused it.

Sources: Xu et al. 2023, "WizardLM", arXiv:2304.12244 (unchanged, refusal, only_stop_words, leaked_label); the others
are ours. What a judge must decide, whether a child asks for anything new, is in `equality`.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evol_core.evolve.auto.failure import failure
from evol_core.evolve.language import language
from evol_core.evolve.stop_words import STOP_WORDS
from evol_core.evolve.wording import evolved_text
from evol_core.recipe import AcceptanceConfig
from evol_core.records import ACCEPTED, Generation, Instruction, Status, Verdict
from evol_core.text import fold

T = TypeVar("T")

ENGINE_ERROR = Verdict(status=Status.FAILED, reason="engine_error")
"""The model could not be asked, for example because the prompt is longer than its context."""

REFUSAL_WORDS = 80
"""An answer that says sorry in fewer words than these is a refusal."""

LEAKED = re.compile(
    r"\b(?:given|rewritten|created) (?:prompt|instruction|question|task)\b|\bquestion for students\b"
    r"|\b(?:new|harder|original) (?:prompt|instruction|question|task)\W{0,3}(?: is)?\s*:"
    r"|^[^\w\n]*#[^#\n]*[^#\s]\s?#+(?:\s|:|\*|$)",
    re.IGNORECASE | re.MULTILINE,
)
"""Labels of evolving prompts, ours and others', and `#...#` headings."""

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
"""A run without blanks; each character of a script that is written without them."""

STRAIGHT_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A model's try to evolve an instruction."""

    parent: Instruction
    child: Instruction | None
    generation: Generation
    acceptance: AcceptanceConfig
    ancestors: Sequence[Instruction] = ()
    """The parent's own line, from the seed on."""

    @property
    def text(self) -> str:
        """The child's text; empty where there is no child."""
        return self.child.text if self.child else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's response to an evolved instruction."""

    response: str
    generation: Generation
    keep_truncated: bool


def instruction_verdict(
    parent: Instruction,
    child: Instruction | None,
    generation: Generation,
    acceptance: AcceptanceConfig,
    ancestors: Sequence[Instruction] = (),
) -> Verdict:
    """What the rules say of a child, before anybody answers it."""
    if generation.finish_reason == "error":
        return ENGINE_ERROR
    attempt = Attempt(parent=parent, child=child, generation=generation, acceptance=acceptance, ancestors=ancestors)
    return _first_refusal(attempt, INSTRUCTION_RULES)


def response_verdict(
    response: str, generation: Generation, *, keep_truncated: bool, refuse_failures: bool = False
) -> Verdict:
    """What the rules say of the answer to a child, and by it of the child."""
    if generation.finish_reason == "error":
        return ENGINE_ERROR
    answer = Answer(response=response, generation=generation, keep_truncated=keep_truncated)
    verdict = _first_refusal(answer, RESPONSE_RULES)
    failed = failure(response) if refuse_failures and verdict == ACCEPTED else None
    return Verdict(status=Status.REJECTED, reason=failed) if failed else verdict


def _is_empty(attempt: Attempt) -> bool:
    return not evolved_text(attempt.generation.text)


def _is_truncated(attempt: Attempt) -> bool:
    return attempt.generation.finish_reason == "length"


def _is_unchanged(attempt: Attempt) -> bool:
    """No child, though there was a reply: it was the parent's own text. Its input taken in is no change either."""
    parent = attempt.parent
    return attempt.child is None or _normal(attempt.text) in (_normal(parent.text), _normal(parent.prompt))


def _repeats_ancestor(attempt: Attempt) -> bool:
    """An evolution that goes back to where its line has been before, for example to the seed."""
    said = _normal(attempt.text)
    return any(said == _normal(ancestor.text) for ancestor in attempt.ancestors)


def _leaks_label(attempt: Attempt) -> bool:
    """A label of the prompt stands in the child, and not because the parent speaks of it."""
    return not _labels(attempt.text) <= _labels(attempt.parent.text)


def _labels(text: str) -> set[str]:
    """Labels by their first words; headings, whose words may be any, as one."""
    return {"#" if "#" in label else label.split()[0].casefold() for label in LEAKED.findall(text)}


def _is_too_long(attempt: Attempt) -> bool:
    child = attempt.child.prompt if attempt.child else ""
    return _n_words(child) - _n_words(attempt.parent.prompt) > attempt.acceptance.max_added_words


def _is_other_language(attempt: Attempt) -> bool:
    """Only where both languages are sure: doubt refuses nobody."""
    if not attempt.acceptance.same_language:
        return False
    of_parent, of_child = language(attempt.parent.text), language(attempt.text)
    return of_parent is not None and of_child is not None and of_parent != of_child


def _is_empty_response(answer: Answer) -> bool:
    return not answer.response


def _is_truncated_response(answer: Answer) -> bool:
    return answer.generation.finish_reason == "length" and not answer.keep_truncated


def _is_refusal(answer: Answer) -> bool:
    return "sorry" in answer.response.casefold() and _n_words(answer.response) < REFUSAL_WORDS


def _is_only_stop_words(answer: Answer) -> bool:
    words = answer.response.casefold().split()
    return all(part in STOP_WORDS for word in words for part in _without_punctuation(word).split())


def _without_punctuation(text: str) -> str:
    """What Unicode and ASCII call punctuation makes no word, nor does what nobody sees."""
    return "".join(" " if c in string.punctuation or unicodedata.category(c)[0] in "PC" else c for c in text)


INSTRUCTION_RULES: Mapping[str, Callable[[Attempt], bool]] = {
    "empty": _is_empty,
    "truncated": _is_truncated,
    "unchanged": _is_unchanged,
    "repeats_ancestor": _repeats_ancestor,
    "leaked_label": _leaks_label,
    "too_long": _is_too_long,
    "other_language": _is_other_language,
}
"""In the order they are asked: what makes a later one meaningless comes first, what costs most last."""

RESPONSE_RULES: Mapping[str, Callable[[Answer], bool]] = {
    "empty_response": _is_empty_response,
    "response_truncated": _is_truncated_response,
    "refusal": _is_refusal,
    "only_stop_words": _is_only_stop_words,
}
"""In the order they are asked."""


def _first_refusal(subject: T, rules: Mapping[str, Callable[[T], bool]]) -> Verdict:
    for reason, holds in rules.items():
        if holds(subject):
            return Verdict(status=Status.REJECTED, reason=reason)
    return ACCEPTED


def _normal(text: str) -> str:
    """Case, spacing, the shape of quotes, and punctuation at the ends make no other instruction."""
    return fold(text).translate(STRAIGHT_QUOTES).strip(" .,:;!?'\"*`")


def _n_words(text: str) -> int:
    return len(WORD.findall(text))
