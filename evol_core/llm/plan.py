"""What is recorded already and what an engine would have to do: for `evol plan`, and for rebuilding without one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evol_core.errors import NotRecorded
from evol_core.llm.record import GenerationIndex, Record
from evol_core.records import Generation, ModelRef
from evol_core.requests import GenerateRequest, Request
from evol_core.store.objects import ObjectStore
from evol_core.store.scratch import Seen

CHARACTERS_A_TOKEN = 4
"""Of English under common tokenizers; what is counted with it is an estimate and is called one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlan:
    """How much of what one model is asked is recorded."""

    model: ModelRef
    recorded: int = 0
    missing: int = 0
    estimated_prompt_tokens: int = 0
    """Of the missing requests: characters / 4."""

    max_new_tokens: int = 0
    """Of the missing requests: the sum of their limits, which few replies reach."""


class ReplayOnly:
    """An engine that only replays: it answers what is recorded, then names what is not."""

    name = "record"

    def __init__(self, *, store: ObjectStore, index: GenerationIndex, asked: Seen) -> None:
        """`asked` is empty: requests that come up again are counted once."""
        self._record = Record(store=store, index=index)
        self._ready: list[Generation] = []
        self._asked = asked
        self._plans: dict[ModelRef, ModelPlan] = {}

    def submit(self, requests: Sequence[Request]) -> None:
        recorded = self._record.find(requests)
        self._ready += [recorded[request.hash] for request in requests if request.hash in recorded]
        for request in requests:
            if self._asked.add(request.hash):
                plan = self._plans.get(request.model, ModelPlan(model=request.model))
                self._plans[request.model] = _counted(plan, request, is_recorded=request.hash in recorded)

    def collect(self) -> list[Generation]:
        """The recorded answers.

        Raises:
            NotRecorded: all recorded answers are handed out, and some requests have none.
        """
        missing = [plan for plan in self._plans.values() if plan.missing]
        if not self._ready and missing:
            models = sorted({plan.model.name for plan in missing})
            raise NotRecorded(
                f"{sum(plan.missing for plan in missing)} requests to {models} are not recorded, and no engine may be "
                "started here; `evol run` with the same recipe asks them"
            )
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> None:
        """Nothing to end."""

    def plans(self) -> list[ModelPlan]:
        """What was asked so far, a model a line."""
        return list(self._plans.values())


def _counted(plan: ModelPlan, request: Request, *, is_recorded: bool) -> ModelPlan:
    """The plan with one request more."""
    if is_recorded:
        return replace(plan, recorded=plan.recorded + 1)
    return replace(
        plan,
        missing=plan.missing + 1,
        estimated_prompt_tokens=plan.estimated_prompt_tokens + estimated_tokens(request),
        max_new_tokens=plan.max_new_tokens + _max_new_tokens(request),
    )


def estimated_tokens(request: Request) -> int:
    """About how many tokens a request's text has: its characters by four, rounded up."""
    characters = sum(map(len, request.texts))
    return -(-characters // CHARACTERS_A_TOKEN)


def _max_new_tokens(request: Request) -> int:
    return request.decoding.max_tokens if isinstance(request, GenerateRequest) else 0
