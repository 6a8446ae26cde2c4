"""Trajectory analysis: what ways to make an instruction harder a model listed, as short phrases, counted.

Each listed method becomes one phrase, by its own words or in a model's (greedy). Phrases are normalised, equal ones
fall together, then near ones: two phrases whose stems are the same but for one in four. Methods 3.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evol_core.llm.port import Program, ask
from evol_core.records import Generation, ModelRef, canonical_json
from evol_core.requests import Decoding, GenerateRequest, Message, request_seed
from evol_core.text import fold, reply_text

MAX_WORDS = 8
"""Of a phrase; a longer one is no phrase, or is cut where it is the method's own words."""

NEAR = 0.75
"""Jaccard similarity of stems from which two phrases are one."""

PROMPT = """\
Below are {n} ways to make a task harder. Name each in a short phrase of at most five words, in the same order. \
No numbers, symbols or punctuation.

{methods}

Reply in JSON: {{"phrases": [...]}} with {n} phrases.\
"""

_NUMBERING = re.compile(r"^(?:\W*(?:(?:method|way|step)\s*)?(?:\d{1,3}|[a-z](?=[.)]))\s*[.):]\s*)+", re.IGNORECASE)
_TITLE = re.compile(r"^(.{3,60}?)\s*[:\uff1a\u2013\u2014]\s")
_FILLER = frozenset(
    ("a", "an", "the", "of", "to", "in", "on", "for", "and", "or", "with", "by", "more", "it", "its", "task")
)


def phrase(text: str) -> str:
    """A text as a phrase: folded, without numbering, symbols and punctuation; "" where nothing is left."""
    bare = _NUMBERING.sub("", text.strip())
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in bare.replace("'", ""))
    return fold(kept)


def own_phrase(method: str) -> str:
    """A method's phrase in its own words: its title where it has one, else its first words."""
    bare = method.replace("*", "")
    title = _TITLE.match(_NUMBERING.sub("", bare.strip()))
    return " ".join(phrase(title[1] if title else bare).split()[:MAX_WORDS])


def model_phrases(
    methods: Sequence[str], *, model: ModelRef, max_tokens: int, recipe_seed: int
) -> Program[list[str | None]]:
    """A phrase a method in a model's words, in their order; None where the model gave none. Greedy."""
    if not methods:
        return []
    asked = PROMPT.format(n=len(methods), methods="\n".join(f"- {method}" for method in methods))
    request = GenerateRequest(
        model=model,
        messages=(Message("user", asked),),
        decoding=Decoding(
            temperature=0.0, top_p=1.0, max_tokens=max_tokens, json_schema=canonical_json(_schema(len(methods)))
        ),
        seed=request_seed(recipe_seed, "phrases", "analyse", 0, 0),
    )
    generation = yield from ask(request)
    return read_phrases(generation, len(methods))


def _schema(n: int) -> dict[str, Any]:
    items = {"type": "string", "maxLength": 60}
    phrases = {"type": "array", "items": items, "minItems": n, "maxItems": n}
    return {
        "type": "object",
        "properties": {"phrases": phrases},
        "required": ["phrases"],
        "additionalProperties": False,
    }


def read_phrases(generation: Generation, n: int) -> list[str | None]:
    """The n phrases of a reply; a list of another length says nothing of any method, a long phrase is none."""
    nothing: list[str | None] = [None] * n
    if generation.finish_reason == "error":
        return nothing
    try:
        said = json.loads(reply_text(generation.text))
    except (ValueError, RecursionError):
        return nothing
    listed = said.get("phrases") if isinstance(said, dict) else None
    if not isinstance(listed, list) or len(listed) != n:
        return nothing
    return [_short(phrase(one)) if isinstance(one, str) else None for one in listed]


def _short(text: str) -> str | None:
    return text if text and len(text.split()) <= MAX_WORDS else None


def merged(phrases: Iterable[str]) -> dict[str, str]:
    """Each different phrase with the one that stands for it: itself, or the most frequent one near it.

    Ties go to the first in the alphabet, so the result depends on which phrases there are, not on their order.
    """
    counted = Counter(phrases)
    order = sorted(counted, key=lambda one: (-counted[one], one))
    stands: dict[str, str] = {}
    by_stem: dict[str, list[str]] = {}
    stems = {one: _stems(one) for one in order}
    for one in order:
        near = {other for stem in stems[one] for other in by_stem.get(stem, ())}
        first = next((other for other in _order(near, counted) if _near(stems[one], stems[other])), None)
        stands[one] = first or one
        if first is None:
            for stem in stems[one]:
                by_stem.setdefault(stem, []).append(one)
    return stands


def _order(phrases: Iterable[str], counted: Mapping[str, int]) -> list[str]:
    """The most frequent first, then by the alphabet."""
    return sorted(phrases, key=lambda one: (-counted[one], one))


def _near(left: frozenset[str], right: frozenset[str]) -> bool:
    return len(left & right) >= NEAR * len(left | right)


def _stems(text: str) -> frozenset[str]:
    """The words that say something, without their common English endings; all words where none says anything."""
    words = text.split()
    return frozenset(_stem(word) for word in words if word not in _FILLER) or frozenset(words)


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
