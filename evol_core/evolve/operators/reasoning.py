"""Make an instruction ask for reasoning in several steps where simple thinking would do.

Source: Xu et al. 2023, "WizardLM", arXiv:2304.12244 (in-depth evolving, increasing reasoning steps).
"""

from evol_core.evolve.wording import deeper_child, depth_prompt, fill
from evol_core.records import Instruction

NAME = "reasoning"

PROMPT = depth_prompt("it must be thought through in several steps")


def prompt(instruction: Instruction) -> str:
    return fill(PROMPT, instruction)


def parse(completion: str, parent: Instruction) -> Instruction | None:
    return deeper_child(completion, parent)
