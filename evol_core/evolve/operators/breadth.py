"""Make a new instruction of the same field, on something rarer, that stands for itself.

Source: Xu et al. 2023, "WizardLM", arXiv:2304.12244 (in-breadth evolving).
"""

from evol_core.evolve.wording import broader_child, fill
from evol_core.records import Instruction

NAME = "breadth"

PROMPT = """\
{input}You write questions and tasks. Please write one new question or task, inspired by "{text}", but on something \
rarer of the same field, about as long and as hard. Write the question or task only.\
"""


def prompt(instruction: Instruction) -> str:
    return fill(PROMPT, instruction)


def parse(completion: str, parent: Instruction) -> Instruction | None:
    return broader_child(completion, parent)
