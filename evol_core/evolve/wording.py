"""What the operators' prompts share, and how their replies are read."""

import re

from evol_core.records import Instruction
from evol_core.text import reply_text

DEPTH = """\
{{input}}Please write one question for students. It should ask the same as "{{text}}", but be a little harder: \
{method}. Use 10 to 20 more words, clear and fair. Write the question only.\
"""
"""In-depth evolving; the method is what tells one such operator from another."""

INPUT = "Input:\n{input}\n\n"

LABEL = re.compile(r"(?:question|instruction|prompt|task)\s*:\s*", re.IGNORECASE)
QUOTES = {'"': '"', "\u201c": "\u201d"}


def depth_prompt(method: str) -> str:
    """The template of an in-depth operator."""
    return DEPTH.format(method=method)


def fill(template: str, instruction: Instruction) -> str:
    """A template with an instruction in it, and its input where there is one."""
    shown = INPUT.format(input=instruction.input) if instruction.input else ""
    return template.format(input=shown, text=instruction.text)


def deeper_child(completion: str, parent: Instruction) -> Instruction | None:
    """A rewritten instruction that keeps its parent's input."""
    text = evolved_text(completion)
    if parent.input and text.endswith(parent.input):
        text = re.sub(r"\s*(?:input\s*:)?\s*$", "", text.removesuffix(parent.input), flags=re.IGNORECASE)
    return Instruction(text=text, input=parent.input) if text and text != parent.text else None


def broader_child(completion: str, parent: Instruction) -> Instruction | None:
    """A new instruction that stands for itself, without any input."""
    text = evolved_text(completion)
    return Instruction(text=text) if text and text != parent.text else None


def evolved_text(completion: str) -> str:
    """A reply's text, without one label before it and one pair of quotes round it."""
    text = reply_text(completion)
    label = LABEL.match(text)
    if label:
        text = text[label.end() :]
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        text = text[1:-1].strip()
    return text
