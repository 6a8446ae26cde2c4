"""Make a new instruction of the same field, on something rarer, that stands for itself.

Source: Xu et al. 2023, "WizardLM", arXiv:2304.12244 (in-breadth evolving).
"""

from evol_core.evolve.wording import broader_child, fill
from evol_core.records import Instruction

NAME = "breadth"

PROMPT = """\
{input}Please write one question for students. It should be inspired by "{text}", but ask about something rarer of \
the same field, in about as many words. Write the question only.\
"""


def prompt(instruction: Instruction) -> str:
    return fill(PROMPT, instruction)


def parse(completion: str, parent: Instruction) -> Instruction | None:
    return broader_child(completion, parent)
