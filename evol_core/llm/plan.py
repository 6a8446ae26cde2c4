"""What is recorded already and what an engine would have to do: for `evol plan`, and for rebuilding without one."""

from collections.abc import Sequence
from dataclasses import dataclass

from evol_core.errors import NotRecorded
from evol_core.llm.record import GenerationIndex, Record
from evol_core.records import Generation, ModelRef, RequestHash
from evol_core.requests import GenerateRequest, Request
from evol_core.store.objects import ObjectStore

CHARACTERS_A_TOKEN = 4
"""Of English under common tokenizers; what is counted with it is an estimate and is called one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlan:
    """How much of what one model is asked is recorded."""

    model: ModelRef
    recorded: int
    missing: int
    estimated_prompt_tokens: int
    """Of the missing requests: characters / 4."""

    max_new_tokens: int
    """Of the missing requests: the sum of their limits, which few replies reach."""


class ReplayOnly:
    """An engine that only replays: it answers what is recorded, then names what is not."""

    name = "record"

    def __init__(self, *, store: ObjectStore, index: GenerationIndex) -> None:
        self._record = Record(store=store, index=index)
        self._ready: list[Generation] = []
        self._seen: dict[RequestHash, Request] = {}
        self._missing: dict[RequestHash, Request] = {}

    @property
    def missing(self) -> list[Request]:
        """What was asked and is not recorded, in the order of asking."""
        return list(self._missing.values())

    def submit(self, requests: Sequence[Request]) -> None:
        recorded = self._record.find(requests)
        self._ready += [recorded[request.hash] for request in requests if request.hash in recorded]
        self._seen.update((request.hash, request) for request in requests)
        self._missing.update((request.hash, request) for request in requests if request.hash not in recorded)

    def collect(self) -> list[Generation]:
        """The recorded answers.

        Raises:
            NotRecorded: all recorded answers are handed out, and some requests have none.
        """
        if not self._ready and self._missing:
            models = sorted({request.model.name for request in self._missing.values()})
            raise NotRecorded(
                f"{len(self._missing)} requests to {models} are not recorded, and no engine may be started here; "
                "`evol run` with the same recipe asks them"
            )
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> None:
        """Nothing to end."""

    def plans(self) -> list[ModelPlan]:
        """What was asked so far, a model a line."""
        requests: dict[ModelRef, list[Request]] = {}
        for request in self._seen.values():
            requests.setdefault(request.model, []).append(request)
        return [self._plan(model, asked) for model, asked in requests.items()]

    def _plan(self, model: ModelRef, asked: Sequence[Request]) -> ModelPlan:
        missing = [request for request in asked if request.hash in self._missing]
        return ModelPlan(
            model=model,
            recorded=len(asked) - len(missing),
            missing=len(missing),
            estimated_prompt_tokens=sum(estimated_tokens(request) for request in missing),
            max_new_tokens=sum(_max_new_tokens(request) for request in missing),
        )


def estimated_tokens(request: Request) -> int:
    """About how many tokens a request's text has: its characters by four, rounded up."""
    characters = sum(map(len, request.texts))
    return -(-characters // CHARACTERS_A_TOKEN)


def _max_new_tokens(request: Request) -> int:
    return request.decoding.max_tokens if isinstance(request, GenerateRequest) else 0
