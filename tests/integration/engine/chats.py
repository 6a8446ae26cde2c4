"""Chats to ask a real engine."""

from collections.abc import Sequence

from evol_core.llm.port import Engine
from evol_core.records import Generation, ModelRef
from evol_core.requests import Decoding, GenerateRequest, Message, Request


def chat(
    model: ModelRef,
    text: str,
    *,
    max_tokens: int = 24,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 1,
    json_schema: str = "",
) -> GenerateRequest:
    decoding = Decoding(temperature=temperature, top_p=top_p, max_tokens=max_tokens, json_schema=json_schema)
    return GenerateRequest(model=model, messages=(Message("user", text),), decoding=decoding, seed=seed)


def in_order_of_answer(engine: Engine, requests: Sequence[Request]) -> list[Generation]:
    engine.submit(requests)
    found: list[Generation] = []
    while generations := engine.collect():
        found += generations
    return found


def answers(engine: Engine, requests: Sequence[Request]) -> list[Generation]:
    """In the order of the requests."""
    by_hash = {generation.request_hash: generation for generation in in_order_of_answer(engine, requests)}
    return [by_hash[request.hash] for request in requests]
