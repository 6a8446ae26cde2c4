"""The optimiser loop: look at what a method makes, write candidates that do better, keep the one that fails least.

A step draws a mini-batch, evolves it, and asks the optimiser several times what went wrong and for a better method.
Every candidate evolves the development set, whose evolutions are answered; its failure rate is the share of rows that
the F rules or the acceptance rules refuse. A row without an answer is a failure too: else a method whose replies
nobody can read would win. The lowest rate wins, ties to the first, and the loop ends when it no longer falls.

The loop is a program like a row: what is recorded is replayed, so that it goes on from wherever it was.
Source: arXiv:2406.00770 (the loop, the F rules, 10 / 50 / 5); methods 3.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest

from evol_core.evolve.auto.failure import failure
from evol_core.evolve.auto.improve import analyse_prompt, improve_prompt, read_method, stage_text
from evol_core.evolve.auto.listening import Cost, listening
from evol_core.evolve.auto.method import Method
from evol_core.evolve.auto.operator import with_method
from evol_core.evolve.auto.trials import Optimisation, OptimiseSetting, Stop, Trial, calls_a_step
from evol_core.evolve.rounds import EvolveSetting, attempt, evolve_row
from evol_core.llm.port import Program, ask, together
from evol_core.records import ACCEPTED, Evolved, Seed, Status
from evol_core.requests import GenerateRequest, Message, request_seed
from evol_core.text import reply_text

REPEATED = "repeated_method"
"""A candidate with the text of an earlier one of its step, which is measured for both."""


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A candidate that came back, or not, before it is measured."""

    method: Method | None
    reason: str
    cost: Cost


def drawn(seeds: Iterable[Seed], *, sample: int, development: int, recipe_seed: int) -> tuple[list[Seed], list[Seed]]:
    """The development set, and the pool that mini-batches are drawn from: apart, at most `sample` seeds together.

    Which seeds they are depends on the recipe's seed and on the seeds' texts, not on their order.
    """
    order = nsmallest(
        max(sample, development),
        seeds,
        key=lambda seed: request_seed(recipe_seed, seed.instruction.id, "optimise", 0, 0),
    )
    return order[:development], order[development:sample]


def optimise(
    setting: OptimiseSetting, pool: Sequence[Seed], development: Sequence[Seed], *, up_to: int | None = None
) -> Program[Optimisation]:
    """The loop; with `up_to` no further than to the end of that step, as if it were the last."""
    steps = setting.steps if up_to is None else min(up_to, setting.steps)
    if not steps:
        return _unmeasured(setting)
    begun = yield from _measured(
        setting, (0, 0), None, _Asked(method=setting.base, reason="", cost=Cost()), development
    )
    trials, winners, cost = [begun], [begun], begun.cost
    stop = Stop.STEP_LIMIT if steps == setting.steps else Stop.UNFINISHED
    for step in range(1, steps + 1):
        if reason := _finished(setting, winners[-1], cost, len(development)):
            stop = reason
            break
        tried, spent = yield from _step(setting, step, winners[-1], pool, development)
        trials += tried
        cost += spent
        winner = _lowest(tried)
        if winner is None or _rate(winner) >= _rate(winners[-1]):
            stop = Stop.NO_CANDIDATE if winner is None else Stop.NO_IMPROVEMENT
            break
        winners.append(winner)
    return Optimisation(trials=tuple(trials), winners=tuple(winners), stop=stop, cost=cost)


def _unmeasured(setting: OptimiseSetting) -> Optimisation:
    begun = Trial(step=0, candidate=0, method=setting.base, parent=None, failures={}, cost=Cost(), reason="no_steps")
    return Optimisation(trials=(begun,), winners=(begun,), stop=Stop.STEP_LIMIT, cost=Cost())


def _finished(setting: OptimiseSetting, best: Trial, cost: Cost, n_development: int) -> Stop | None:
    if best.n_failed == 0:
        return Stop.NO_FAILURES
    if setting.max_calls is not None and cost.calls + calls_a_step(setting, n_development) > setting.max_calls:
        return Stop.BUDGET
    return None


def _lowest(trials: Sequence[Trial]) -> Trial | None:
    return min((trial for trial in trials if trial.n_rows), key=_rate, default=None)


def _rate(trial: Trial) -> float:
    assert trial.failure_rate is not None, "only measured trials are compared"
    return trial.failure_rate


def _step(
    setting: OptimiseSetting, step: int, best: Trial, pool: Sequence[Seed], development: Sequence[Seed]
) -> Program[tuple[list[Trial], Cost]]:
    current = best.method
    assert current is not None
    evolve = with_method(setting.evolve, current, setting.form)
    batch = _batch(setting, step, pool)
    shown = yield from listening(together([_stages(seed, setting.stages, evolve) for seed in batch]))
    asked = yield from together(
        [_improved(setting, step, number, current, shown.result) for number in range(setting.candidates)]
    )
    _drop_repeated(asked)
    trials = yield from together(
        [_measured(setting, (step, number), current, one, development) for number, one in enumerate(asked)]
    )
    return trials, sum((trial.cost for trial in trials), shown.cost)


def _batch(setting: OptimiseSetting, step: int, pool: Sequence[Seed]) -> list[Seed]:
    draw = random.Random(request_seed(setting.recipe_seed, "mini-batch", "optimise", step, 0))
    return draw.sample(list(pool), setting.batch)


def _stages(seed: Seed, stages: int, setting: EvolveSetting) -> Program[list[str]]:
    """A row of a mini-batch: its text at each stage, or why there is none. What was refused is tried again."""
    line = [seed.instruction]
    texts = [seed.instruction.prompt]
    for round in range(stages):
        heard = yield from listening(attempt(seed, line, round, setting))
        row = heard.result
        texts.append(stage_text(heard.answers[row.evolve_hash]))
        if row.verdict == ACCEPTED and row.child is not None:
            line.append(row.child)
    return texts


def _improved(
    setting: OptimiseSetting, step: int, number: int, current: Method, cases: Sequence[Sequence[str]]
) -> Program[_Asked]:
    heard = yield from listening(_ask_twice(setting, step, number, current, cases))
    method, reason = heard.result
    return _Asked(method=method, reason=reason, cost=heard.cost)


def _ask_twice(
    setting: OptimiseSetting, step: int, number: int, current: Method, cases: Sequence[Sequence[str]]
) -> Program[tuple[Method | None, str]]:
    analysis = yield from ask(_request(setting, "analyse", step, number, analyse_prompt(cases)))
    if analysis.finish_reason == "error":
        return None, "engine_error"
    asked = improve_prompt(current, reply_text(analysis.text))
    improved = yield from ask(_request(setting, "improve", step, number, asked))
    return read_method(improved, current)


def _request(setting: OptimiseSetting, purpose: str, step: int, number: int, text: str) -> GenerateRequest:
    return GenerateRequest(
        model=setting.optimiser,
        messages=(Message("user", text),),
        decoding=setting.decoding,
        sample=number,
        seed=request_seed(setting.recipe_seed, setting.base.hash, purpose, step, number),
    )


def _drop_repeated(asked: list[_Asked]) -> None:
    seen: set[str] = set()
    for index, one in enumerate(asked):
        if one.method is not None and one.method.hash in seen:
            asked[index] = _Asked(method=one.method, reason=REPEATED, cost=one.cost)
        elif one.method is not None:
            seen.add(one.method.hash)


def _measured(
    setting: OptimiseSetting,
    place: tuple[int, int],
    parent: Method | None,
    asked: _Asked,
    development: Sequence[Seed],
) -> Program[Trial]:
    """A candidate's trial; `place` is its step and number. One that has a reason against it is not measured."""
    step, candidate = place
    if asked.method is None or asked.reason:
        return Trial(
            step=step,
            candidate=candidate,
            method=asked.method,
            parent=parent,
            reason=asked.reason,
            failures={},
            cost=asked.cost,
        )
    evolve = replace(with_method(setting.evolve, asked.method, setting.form), rounds=1)
    heard = yield from listening(together([evolve_row(seed, evolve) for seed in development]))
    failures = Counter(reason for rows in heard.result if (reason := _failure(rows)))
    return Trial(
        step=step,
        candidate=candidate,
        method=asked.method,
        parent=parent,
        n_rows=len(development),
        failures=dict(sorted(failures.items())),
        cost=asked.cost + heard.cost,
    )


def _failure(rows: Sequence[Evolved]) -> str | None:
    """Why a row of the development set counts as failed; it is evolved once."""
    (row,) = rows
    if row.verdict.status is not Status.ACCEPTED:
        return row.verdict.reason
    return failure(row.response or "")
