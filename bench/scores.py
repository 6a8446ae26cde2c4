"""How fast IFD and IC-IFD are against the usual loop, and whether they are the same.

    .venv-jobs/bin/python -m bench.scores MODEL_FOLDER [--rows 64] [--file PAIRS.jsonl] [--device cpu] [--threads 1]

The usual loop takes one pair at a time through three forward passes with the loss that comes with the model: the whole
text for L(Q), the whole text for L(A|Q), the answer for L(A). Both sides read the same tokens, on the same threads, and
take turns in the same run, 16 pairs each, so that a neighbour on the machine disturbs both alike.
The goals: at least 2 times as fast, losses within 3e-5 of each other, IFD within 1e-5.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoModelForCausalLM

from evol_core.llm.model_folder import describe
from evol_core.records import Losses, ModelRef, RequestHash
from evol_core.requests import LossRequest
from evol_core.score.metrics.ifd import ifd
from evol_core.score.models.losses import LossScorer
from evol_core.score.models.sides import ANSWER, QUESTION, PairEncoder, Side, Text

ROWS_A_TURN = 16
SEEDS = Path(__file__).parent.parent / "examples/seeds.jsonl"
FIELDS = (("instruction", "output"), ("question", "answer"), ("instruction", "response"))

Ready = Callable[[Sequence[LossRequest]], list[Losses]]


class Clock:
    """Seconds and processor seconds of what was measured."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def measure(self, score: Ready, requests: Sequence[LossRequest]) -> list[Losses]:
        began, cpu_began = time.perf_counter(), time.process_time()
        losses = score(requests)
        self.seconds += time.perf_counter() - began
        self.cpu_seconds += time.process_time() - cpu_began
        return losses


class UsualLoop:
    """One pair at a time, three passes, all logits, the model's own loss."""

    def __init__(self, folder: Path, device: str) -> None:
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval().to(device)
        self._encoder = PairEncoder(folder)

    def __call__(self, requests: Sequence[LossRequest]) -> list[Losses]:
        return [self._losses(request) for request in requests]

    def _losses(self, request: LossRequest) -> Losses:
        pair = self._encoder.plain(request.instruction, request.response)
        return Losses(
            question=self._loss(pair.full, QUESTION),
            given=self._loss(pair.full, ANSWER),
            alone=self._loss(pair.alone, ANSWER),
            n_question=pair.full.count(QUESTION),
            n_answer=pair.full.count(ANSWER),
            n_alone=pair.alone.count(ANSWER),
        )

    def _loss(self, text: Text, wanted: Side) -> float | None:
        labels = [token if side == wanted else -100 for token, side in zip(text.ids, text.sides, strict=True)]
        if not text.count(wanted):
            return None
        ids, wanted_labels = (torch.tensor([row], device=self._model.device) for row in (text.ids, labels))
        with torch.no_grad():
            return float(self._model(input_ids=ids, labels=wanted_labels).loss)


class Ours:
    """The engine of the platform."""

    def __init__(self, scorer: LossScorer) -> None:
        self._scorer = scorer

    def __call__(self, requests: Sequence[LossRequest]) -> list[Losses]:
        self._scorer.submit(requests)
        found: dict[RequestHash, Losses] = {}
        while answers := self._scorer.collect():
            found.update((answer.request_hash, answer.losses) for answer in answers if answer.losses)
        return [found[request.hash] for request in requests]


class Difference(NamedTuple):
    """The largest of each, over all pairs."""

    loss: float
    ifd: float


def difference(found: Sequence[Losses], expected: Sequence[Losses]) -> Difference:
    def parts(losses: Losses) -> tuple[float | None, ...]:
        three = losses.question, losses.given, losses.alone
        return (*three, ifd(*three[1:]))

    def apart(one: float | None, other: float | None) -> float:
        if one is None or other is None:
            assert one is other, f"one side has a value where the other has none: {one}, {other}"
            return 0.0
        return abs(one - other)

    rows = [
        [apart(*pair) for pair in zip(parts(one), parts(other), strict=True)]
        for one, other in zip(found, expected, strict=True)
    ]
    largest = [max(column) for column in zip(*rows, strict=True)]
    return Difference(max(largest[:3]), largest[3])


def read_pairs(path: Path, rows: int) -> list[tuple[str, str]]:
    """Pairs of a JSON lines file, under any of the usual names."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()][:rows]
    question, answer = next(names for names in FIELDS if all(name in lines[0] for name in names))
    return [(line[question], line[answer]) for line in lines]


def made_pairs(rows: int) -> list[tuple[str, str]]:
    """Pairs out of the instructions that come with the project: 1 to 12 of them on either side, in all mixtures."""
    texts = [json.loads(line)["instruction"] for line in SEEDS.read_text(encoding="utf-8").splitlines()]

    def joined(first: int, number: int) -> str:
        return " ".join(texts[(first + step) % len(texts)] for step in range(number))

    return [(joined(row, 1 + row * 5 % 12), joined(row + 20, 1 + row * 7 % 11)) for row in range(rows)]


def requests(model: ModelRef, pairs: Sequence[tuple[str, str]]) -> list[LossRequest]:
    return [LossRequest(model=model, instruction=question, response=answer) for question, answer in pairs]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1, help="Of either side")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = describe(options.folder)
    pairs = read_pairs(options.file, options.rows) if options.file else made_pairs(options.rows)
    scorer = LossScorer(options.folder, model, device=options.device)
    sides: dict[str, Ready] = {"usual loop": UsualLoop(options.folder, scorer.device), "ours": Ours(scorer)}
    clocks = {name: Clock() for name in sides}
    found: dict[str, list[Losses]] = {name: [] for name in sides}
    for side in sides.values():
        side(requests(model, [("How much is one and one?", "It is two.")]))
    asked = requests(model, pairs)
    for turn in (asked[first : first + ROWS_A_TURN] for first in range(0, len(asked), ROWS_A_TURN)):
        for name, side in sides.items():
            found[name] += clocks[name].measure(side, turn)
    return report(scorer.name, clocks, difference(found["ours"], found["usual loop"]), len(pairs))


def report(engine: str, clocks: dict[str, Clock], apart: Difference, rows: int) -> int:
    print(f"{rows} pairs, {torch.get_num_threads()} threads, {engine}")
    for name, clock in clocks.items():
        print(f"{name:10} {clock.seconds:7.2f} s {rows / clock.seconds:6.2f} pairs/s {clock.cpu_seconds:7.2f} CPU s")
    usual, ours = clocks["usual loop"], clocks["ours"]
    ratio = usual.seconds / ours.seconds
    print(f"ratio {ratio:.2f} by the clock, {usual.cpu_seconds / ours.cpu_seconds:.2f} by CPU time (goal: 2)")
    print(f"largest differences: loss {apart.loss:.1e} (goal: 3e-5), IFD {apart.ifd:.1e} (goal: 1e-5)")
    return 0 if ratio >= 2 and apart.loss <= 3e-5 and apart.ifd <= 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
