"""Which model a step of AutoIF asks, and how."""

from dataclasses import dataclass

from evol_core.records import ModelRef
from evol_core.requests import Decoding, GenerateRequest, Message, request_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A model in one role."""

    model: ModelRef
    decoding: Decoding
    recipe_seed: int

    def request(self, step: str, prompt: str, *, about: str, sample: int = 0) -> GenerateRequest:
        """A step's request about one thing; its random seed depends on nothing else than these."""
        return GenerateRequest(
            model=self.model,
            messages=(Message("user", prompt),),
            decoding=self.decoding,
            sample=sample,
            seed=request_seed(self.recipe_seed, about, step, 0, sample),
        )
