"""An evolving method: the text that tells a model how to plan a harder instruction by itself, and to write it.

A method is data: it is versioned by the hash of its text, an optimiser writes new ones, and a recipe names one. How
a reply must look is no part of it, so no optimiser can break what the parser reads.

Source: Zeng et al. 2024, "Automatic Instruction Evolving for Large Language Models", arXiv:2406.00770; methods 3.
"""

from dataclasses import dataclass
from functools import cached_property

from evol_core.records import content_hash

PLACE = "{instruction}"
"""Where the instruction stands in a method's text."""

MAX_CHARS = 6000
"""A longer text is no method: it would not leave a small model room for its reply."""

NAME_DIGITS = 12
"""Of the hash, in the name under which rows know their method."""

BASE_TEXT = """\
Make the task below harder for an expert, in four steps.
1. Methods: list every way that could make it harder. Another language is no way.
2. Plan: choose several of these ways, and say how you will use them together.
3. Rewrite: carry the plan out, with 10 to 20 more words. The task stays on the same subject.
4. Final: read the rewrite again. It must be clear, fair and answerable; correct what is not.

Task:
{instruction}
"""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One evolving method."""

    text: str

    @cached_property
    def hash(self) -> str:
        """SHA-256, 64 hex digits, of the text."""
        return content_hash(self.text)

    @property
    def name(self) -> str:
        """What rows, steps and views call it."""
        return f"auto_{self.hash[:NAME_DIGITS]}"

    def filled(self, instruction: str) -> str:
        """The text with an instruction in its place; braces of either stay what they are."""
        return self.text.replace(PLACE, instruction)


BASE = Method(text=BASE_TEXT)
"""Where optimising starts from, unless a recipe names another."""


def method_problem(text: str) -> str:
    """Why a text is no method, by name; empty where it is one."""
    if not text.replace(PLACE, "").strip():
        return "empty_method"
    if PLACE not in text:
        return "no_place"
    return "method_too_long" if len(text) > MAX_CHARS else ""
