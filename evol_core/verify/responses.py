"""Answers to a query under a constraint, several of each (methods 4, step 6)."""

from dataclasses import dataclass

from evol_core.llm.port import Program, ask, together
from evol_core.records import ACCEPTED, Generation, Instruction, RequestHash, Status, Verdict
from evol_core.text import printable
from evol_core.verify.asking import Asking
from evol_core.verify.sft_row import join

NAME = "respond_under_constraint"

ENGINE_ERROR = Verdict(status=Status.FAILED, reason="engine_error")
EMPTY = Verdict(status=Status.REJECTED, reason="empty_response")
TRUNCATED = Verdict(status=Status.REJECTED, reason="truncated")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainedTask:
    """A query that must be answered under a constraint."""

    query: str
    constraint: str

    @property
    def instruction(self) -> Instruction:
        """As a trainer sees it, and as the model is asked."""
        return Instruction(text=join(self.query, self.constraint))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledResponse:
    """One answer; its verdict speaks of the answer itself, not of the constraint."""

    text: str
    request: RequestHash
    verdict: Verdict


def sample_responses(
    task: ConstrainedTask, n_samples: int, asking: Asking, *, keep_truncated: bool = False
) -> Program[tuple[SampledResponse, ...]]:
    """Ask for so many answers; exactly one row each."""
    instruction = task.instruction
    requests = [
        asking.request(NAME, instruction.prompt, about=instruction.id, sample=sample) for sample in range(n_samples)
    ]
    generations = yield from together([ask(request) for request in requests])
    return tuple(
        SampledResponse(
            text=printable(generation.text).strip(), request=request.hash, verdict=_verdict(generation, keep_truncated)
        )
        for request, generation in zip(requests, generations, strict=True)
    )


def _verdict(generation: Generation, keep_truncated: bool) -> Verdict:
    if generation.finish_reason == "error":
        return ENGINE_ERROR
    if not generation.text.strip():
        return EMPTY
    return TRUNCATED if generation.finish_reason == "length" and not keep_truncated else ACCEPTED
