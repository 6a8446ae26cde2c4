"""What an operator is: a prompt round an instruction, and the way back from the model's reply."""

from typing import Protocol

from evol_core.records import Instruction


class Operator(Protocol):
    """A module of `operators`, or a method. Pure: the model call is somebody else's."""

    @property
    def NAME(self) -> str: ...

    @property
    def PROMPT(self) -> str:
        """The template: `{text}` is the instruction; `{input}` its input with a heading, or nothing."""

    def prompt(self, instruction: Instruction, /) -> str:
        """What a model is asked, as one user turn."""

    def parse(self, completion: str, parent: Instruction, /) -> Instruction | None:
        """The child, or None where the reply holds nothing or only the parent's own text."""
