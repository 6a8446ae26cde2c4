"""Instructions to responses: what a model is asked, and how."""

from evol_core.records import Instruction, ModelRef
from evol_core.requests import Decoding, GenerateRequest, Message, request_seed

__all__ = ["NAME", "PROMPT", "respond_request"]

NAME = "respond"

PROMPT = """\
{instruction}

Answer comprehensively and accurately.\
"""
"""`{instruction}` is the instruction with its input on the lines after it."""


def respond_request(
    instruction: Instruction, *, model: ModelRef, decoding: Decoding, recipe_seed: int
) -> GenerateRequest:
    """The request for a response. The same instruction gets the same answer, in whatever round or row it came up."""
    return GenerateRequest(
        model=model,
        messages=(Message("user", PROMPT.format(instruction=instruction.prompt)),),
        decoding=decoding,
        seed=request_seed(recipe_seed, instruction.id, NAME, 0, 0),
    )
