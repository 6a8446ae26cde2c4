"""Signs in an answer that the evolved instruction before it was a failure: the function F of Auto Evol-Instruct.

A method's failure rate is the sum of F over a development set by its size. Source: arXiv 2406.00770; methods 3.
"""

import re
from collections.abc import Callable, Mapping

STAGNANT_OPENINGS = ("understood", "thank you", "what", "that is correct", "great")

BLANKS = re.compile(r"\s+")


def failure(response: str) -> str | None:
    """The name of the first rule that an answer to an evolved instruction breaks; None where it breaks none."""
    text = BLANKS.sub(" ", response).strip().casefold()
    return next((name for name, broken in RULES.items() if broken(text)), None)


def _stagnant_complexity(text: str) -> bool:
    """The assistant chats and asks back: there was nothing harder to do."""
    return _opens(text, *STAGNANT_OPENINGS) and text.endswith("?")


def _insufficient_qualification(text: str) -> bool:
    """The assistant agrees and asks what is meant."""
    return _opens(text, "sure") and text.endswith("?")


def _loss_of_key_information(text: str) -> bool:
    """The assistant asks for what the evolved instruction forgot to say."""
    return "please provide" in text


def _opens(text: str, *openings: str) -> bool:
    """Whether a text begins with one of these as whole words."""
    return any(text.startswith(opening) and not text[len(opening) :][:1].isalnum() for opening in openings)


RULES: Mapping[str, Callable[[str], bool]] = {
    "stagnant_complexity": _stagnant_complexity,
    "insufficient_qualification": _insufficient_qualification,
    "loss_of_key_information": _loss_of_key_information,
}
"""In the order in which they are asked. Each sees the answer in lower case, with single blanks."""
