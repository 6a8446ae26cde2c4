"""A request goes to the engine of its kind and model, and to no other."""

from collections.abc import Sequence

import pytest

from evol_core.errors import EngineError
from evol_core.llm.routed import RoutedEngine
from evol_core.records import Generation, ModelRef
from evol_core.requests import Decoding, GenerateRequest, LossRequest, Message, Request

SMALL = ModelRef(name="small", revision="1", tokenizer="t")
LARGE = ModelRef(name="large", revision="2", tokenizer="t")


class Echo:
    """Answers everything at once with its own name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.in_flight: list[Request] = []
        self.closed = False

    def submit(self, requests: Sequence[Request]) -> None:
        self.in_flight += requests

    def collect(self) -> list[Generation]:
        asked, self.in_flight = self.in_flight, []
        return [Generation(request_hash=r.hash, text=self.name, finish_reason="stop", engine=self.name) for r in asked]

    def close(self) -> None:
        self.closed = True


def chat(model: ModelRef) -> GenerateRequest:
    return GenerateRequest(model=model, messages=(Message("user", "Hi."),), decoding=Decoding(), seed=1)


def test_each_kind_and_model_has_its_own_engine() -> None:
    engine = RoutedEngine(
        {
            ("generate", SMALL): lambda: Echo("small"),
            ("generate", LARGE): lambda: Echo("large"),
            ("loss", SMALL): lambda: Echo("losses"),
        }
    )
    asked: list[Request] = [chat(SMALL), chat(LARGE), LossRequest(model=SMALL, instruction="Q", response="A")]

    engine.submit(asked)
    answers = {answer.request_hash: answer.text for answer in engine.collect()}

    assert [answers[request.hash] for request in asked] == ["small", "large", "losses"]
    assert engine.collect() == []


def test_an_engine_is_made_at_its_first_request_and_closed_with_the_rest() -> None:
    made: list[Echo] = []

    def make() -> Echo:
        made.append(Echo("small"))
        return made[-1]

    engine = RoutedEngine({("generate", SMALL): make})
    assert made == []

    engine.submit([chat(SMALL)])
    engine.submit([chat(SMALL)])
    engine.close()

    assert [one.closed for one in made] == [True]


def test_a_model_without_an_engine_is_named() -> None:
    engine = RoutedEngine({("generate", SMALL): lambda: Echo("small")})

    with pytest.raises(EngineError, match=r"no engine answers generate requests of model 'large'; .*'generate:small'"):
        engine.submit([chat(LARGE)])
