"""Make a new instruction of the same field, on something rarer, that stands for itself.

Source: Xu et al. 2023, "WizardLM", arXiv:2304.12244 (in-breadth evolving).
"""

from evol_core.evolve.wording import broader_child, fill
from evol_core.records import Instruction

NAME = "breadth"

PROMPT = """\
{input}You write questions for students. Please write one brand-new question on a rarer subject of the same field as \
"{text}", about as long and as hard. Write the question only.\
"""


def prompt(instruction: Instruction) -> str:
    return fill(PROMPT, instruction)


def parse(completion: str, parent: Instruction) -> Instruction | None:
    return broader_child(completion, parent)
