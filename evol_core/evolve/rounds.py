"""A row's way through all rounds, as one program: evolve, check, answer, check; a refused row tries again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evol_core.evolve.acceptance import instruction_verdict, response_verdict
from evol_core.evolve.operators import OPERATORS
from evol_core.llm.port import Program, ask
from evol_core.recipe import AcceptanceConfig
from evol_core.records import (
    ACCEPTED,
    Decoding,
    Evolved,
    GenerateRequest,
    Instruction,
    Message,
    ModelRef,
    Seed,
    request_seed,
)
from evol_core.text import reply_text


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolveSetting:
    """All that decides a row's evolution beside its seed."""

    operators: tuple[str, ...]
    """Names from the table; row i takes operator (i + round) mod their number."""

    rounds: int
    evolver: ModelRef
    decoding: Decoding
    acceptance: AcceptanceConfig
    recipe_seed: int
    answer: Callable[[Instruction], GenerateRequest]
    """The request for a response to an instruction; responding is another stage's."""

    keep_truncated: bool
    """Whether a response that was cut at max_tokens is kept."""


def evolve_row(seed: Seed, setting: EvolveSetting) -> Program[list[Evolved]]:
    """One row a round, always; a refused child stays in its row, and its parent goes on unchanged."""
    line = [seed.instruction]
    rows = []
    for round in range(setting.rounds):
        row = yield from _evolve_once(seed, line, round, setting)
        rows.append(row)
        if row.verdict == ACCEPTED and row.child is not None:
            line.append(row.child)
    return rows


def _evolve_once(seed: Seed, line: Sequence[Instruction], round: int, setting: EvolveSetting) -> Program[Evolved]:
    """`line` leads from the seed to the instruction that is evolved now."""
    *ancestors, parent = line
    operator = OPERATORS[setting.operators[(seed.ordinal + round) % len(setting.operators)]]
    request = GenerateRequest(
        model=setting.evolver,
        messages=(Message("user", operator.prompt(parent)),),
        decoding=setting.decoding,
        seed=request_seed(setting.recipe_seed, parent.id, operator.NAME, round, 0),
    )
    generation = yield from ask(request)
    child = operator.parse(generation.text, parent)
    verdict = instruction_verdict(parent, child, generation, setting.acceptance, ancestors)
    response, respond_hash = None, None
    if verdict == ACCEPTED and child is not None:
        question = setting.answer(child)
        respond_hash = question.hash
        answer = yield from ask(question)
        verdict = response_verdict(reply_text(answer.text), answer, keep_truncated=setting.keep_truncated)
        response = None if answer.finish_reason == "error" else reply_text(answer.text)
    return Evolved(
        ordinal=seed.ordinal,
        round=round,
        seed_id=seed.instruction.id,
        parent=parent,
        operator=operator.NAME,
        child=child,
        response=response,
        verdict=verdict,
        evolve_hash=request.hash,
        respond_hash=respond_hash,
    )
