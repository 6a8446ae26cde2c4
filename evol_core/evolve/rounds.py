"""A row's way through all rounds, as one program: evolve, check, answer, check; a refused row tries again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evol_core.evolve.acceptance import instruction_verdict, response_verdict
from evol_core.evolve.equality import information_verdict
from evol_core.evolve.operator import Operator
from evol_core.evolve.operators import OPERATORS
from evol_core.llm.port import Program, ask
from evol_core.recipe import AcceptanceConfig
from evol_core.records import ACCEPTED, Evolved, Generation, Instruction, ModelRef, Seed, Status, Verdict
from evol_core.requests import Decoding, GenerateRequest, Message, request_seed
from evol_core.text import reply_text


def always_readable(generation: Generation) -> str:
    """Of operators whose replies are the child itself."""
    return ""


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

    equality_judge: ModelRef | None = None
    """Says whether a child asks for anything new; None where nobody is asked."""

    table: Mapping[str, Operator] = field(default_factory=lambda: OPERATORS)
    problem: Callable[[Generation], str] = always_readable
    """Why no child can be read from a reply, by name; empty where the acceptance rules have the word."""


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
    row = yield from attempt(seed, line, round, setting)
    if row.verdict == ACCEPTED and row.child is not None and setting.equality_judge is not None:
        verdict = yield from information_verdict(row.parent, row.child, setting.equality_judge)
        row = replace(row, verdict=verdict)
    if row.verdict != ACCEPTED or row.child is None:
        return row
    question = setting.answer(row.child)
    answer = yield from ask(question)
    response = reply_text(answer.text)
    return replace(
        row,
        response=None if answer.finish_reason == "error" else response,
        verdict=response_verdict(
            response,
            answer,
            keep_truncated=setting.keep_truncated,
            refuse_failures=setting.acceptance.refuse_failures,
        ),
        respond_hash=question.hash,
    )


def attempt(seed: Seed, line: Sequence[Instruction], round: int, setting: EvolveSetting) -> Program[Evolved]:
    """Evolve the last instruction of a line, without an answer to what comes of it."""
    *ancestors, parent = line
    operator = setting.table[setting.operators[(seed.ordinal + round) % len(setting.operators)]]
    request = GenerateRequest(
        model=setting.evolver,
        messages=(Message("user", operator.prompt(parent)),),
        decoding=setting.decoding,
        seed=request_seed(setting.recipe_seed, parent.id, operator.NAME, round, 0),
    )
    generation = yield from ask(request)
    child = operator.parse(generation.text, parent)
    unreadable = setting.problem(generation)
    if unreadable:
        verdict = Verdict(status=Status.REJECTED, reason=unreadable)
    else:
        verdict = instruction_verdict(parent, child, generation, setting.acceptance, ancestors)
    return Evolved(
        ordinal=seed.ordinal,
        round=round,
        seed_id=seed.instruction.id,
        parent=parent,
        operator=operator.NAME,
        child=child,
        response=None,
        verdict=verdict,
        evolve_hash=request.hash,
        respond_hash=None,
    )
