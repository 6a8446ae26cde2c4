"""An engine for tests: answers from a function, out of order, one at a time. Never a default."""

import random
from collections.abc import Callable, Sequence

from evol_core.errors import EngineError
from evol_core.records import Generation, Losses, Measured
from evol_core.requests import Request


class FakeEngine:
    """Answers each request with `reply(request)`: a text, the losses of a pair, or what else is measured."""

    def __init__(
        self, reply: Callable[[Request], str | Losses | Measured], *, seed: int = 0, fail_after: int | None = None
    ) -> None:
        """`fail_after` so many answers the engine is gone, with all that is in flight."""
        self.name = "fake 1"
        self.submitted: list[Request] = []
        """All that was ever asked, in the order of asking."""

        self.closed = False
        self._reply = reply
        self._random = random.Random(seed)
        self._fail_after = fail_after
        self._answered = 0
        self._in_flight: list[Request] = []

    def submit(self, requests: Sequence[Request]) -> None:
        self.submitted += requests
        self._in_flight += requests

    def collect(self) -> list[Generation]:
        if not self._in_flight:
            return []
        if self._fail_after is not None and self._answered >= self._fail_after:
            raise EngineError(f"{self.name} failed after {self._answered} answers, as it was told to")
        self._answered += 1
        return [self._answer(self._in_flight.pop(self._random.randrange(len(self._in_flight))))]

    def close(self) -> None:
        self.closed = True

    def _answer(self, request: Request) -> Generation:
        reply = self._reply(request)
        if isinstance(reply, Losses):
            return Generation(request_hash=request.hash, finish_reason="scored", losses=reply, engine=self.name)
        if isinstance(reply, Measured):
            return Generation(request_hash=request.hash, finish_reason="scored", measured=reply, engine=self.name)
        return Generation(
            request_hash=request.hash,
            text=reply,
            finish_reason="stop",
            n_tokens=len(reply.split()),
            engine=self.name,
        )
