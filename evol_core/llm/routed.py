"""Several engines behind one: a request goes to the engine of its kind and model, made when first needed."""

from collections.abc import Callable, Mapping, Sequence

from evol_core.errors import EngineError
from evol_core.llm.port import Engine, PollingEngine
from evol_core.records import Generation, ModelRef
from evol_core.requests import Kind, Request

Route = tuple[Kind, ModelRef]


def route(request: Request) -> Route:
    return request.kind, request.model


class RoutedEngine:
    """Satisfies Engine. Engines are asked in turn for what they have finished."""

    def __init__(self, makers: Mapping[Route, Callable[[], Engine]]) -> None:
        self._makers = makers
        self._engines: dict[Route, Engine] = {}
        self._in_flight: dict[Route, int] = {}

    @property
    def name(self) -> str:
        return ", ".join(sorted({engine.name for engine in self._engines.values()}))

    def submit(self, requests: Sequence[Request]) -> None:
        parts: dict[Route, list[Request]] = {}
        for request in requests:
            parts.setdefault(route(request), []).append(request)
        for key, part in parts.items():
            self._engine(key).submit(part)
            self._in_flight[key] = self._in_flight.get(key, 0) + len(part)

    def collect(self) -> list[Generation]:
        return [generation for key in self._busy() for generation in self._counted(key, self._engines[key].collect())]

    def poll(self, seconds: float) -> list[Generation]:
        """What has finished, waiting at most about so long; an engine that cannot poll is waited for."""
        busy = self._busy()
        return [generation for key in busy for generation in self._counted(key, self._poll(key, seconds / len(busy)))]

    def _poll(self, key: Route, seconds: float) -> list[Generation]:
        engine = self._engines[key]
        return engine.poll(seconds) if isinstance(engine, PollingEngine) else engine.collect()

    def _busy(self) -> list[Route]:
        return [key for key, count in self._in_flight.items() if count]

    def _counted(self, key: Route, answers: list[Generation]) -> list[Generation]:
        self._in_flight[key] -= len(answers)
        return answers

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()
        self._in_flight.clear()

    def _engine(self, key: Route) -> Engine:
        if key not in self._engines:
            if key not in self._makers:
                known = sorted(f"{kind}:{model.name}" for kind, model in self._makers)
                raise EngineError(f"no engine answers {key[0]} requests of model {key[1].name!r}; engines: {known}")
            self._engines[key] = self._makers[key]()
        return self._engines[key]
