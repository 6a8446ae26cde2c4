"""Make an instruction ask deeper and wider.

Source: Xu et al. 2023, "WizardLM", arXiv:2304.12244 (in-depth evolving, deepening).
"""

from evol_core.evolve.wording import deeper_child, depth_prompt, fill
from evol_core.records import Instruction

NAME = "deepen"

PROMPT = depth_prompt("it asks for more depth and more sides of the subject")


def prompt(instruction: Instruction) -> str:
    return fill(PROMPT, instruction)


def parse(completion: str, parent: Instruction) -> Instruction | None:
    return deeper_child(completion, parent)
