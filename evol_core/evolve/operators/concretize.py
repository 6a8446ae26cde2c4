"""Make an instruction speak of specific things where it spoke of general ones.

Source: Xu et al. 2023, "WizardLM", arXiv:2304.12244 (in-depth evolving, concretizing).
"""

from evol_core.evolve.wording import deeper_child, depth_prompt, fill
from evol_core.records import Instruction

NAME = "concretize"

PROMPT = depth_prompt("it is about one specific case instead of the general one")


def prompt(instruction: Instruction) -> str:
    return fill(PROMPT, instruction)


def parse(completion: str, parent: Instruction) -> Instruction | None:
    return deeper_child(completion, parent)
