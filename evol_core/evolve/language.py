"""Which language a text is in, as far as one can be sure of it.

py3langid is deterministic and its probabilities are calibrated over text length: on 1,500 first sentences of GSM8K
questions and 211 instructions no wrong answer reached 0.5. A short text of names, numbers or code is unsure, not wrong.
"""

from functools import cache
from typing import Any

SURE = 0.6
"""Probability from which an answer counts."""

CLOSE_KIN = {
    "nn": "no",
    "nb": "no",
    "da": "no",
    "bs": "hr",
    "sr": "hr",
    "ms": "id",
    "sk": "cs",
    "gl": "pt",
    "pcm": "en",
}
"""Languages that a sentence or two cannot tell apart from another, under that one's name."""


def language(text: str) -> str | None:
    """The ISO 639 code of a text's language, or None where nobody could be sure."""
    code, probability = _identifier().classify(text)
    return CLOSE_KIN.get(code, code) if probability >= SURE else None


@cache
def _identifier() -> Any:
    """The model of 139 languages; a second to load, so only where somebody asks."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
