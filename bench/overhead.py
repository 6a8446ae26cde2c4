"""What a scoring stage costs beside its model: tokens, batches, the record, scores and their objects.

    .venv-jobs/bin/python -m bench.overhead MODEL_FOLDER [--rows 64] [--threads 1] [--device cpu]

The stage is the platform's own: pairs as programs, driven against the engine behind a record on disk, scores written
as an object; only the index of answers is in memory, where a build asks Postgres. Loading the model is not part of it.
The goal: at most 5% of the stage's time outside of the model's forward passes.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from bench.scores import made_pairs
from evol_core.llm.model_folder import describe
from evol_core.llm.record import MemoryIndex, RecordedEngine
from evol_core.records import Instruction, ModelRef, Pair
from evol_core.runner import drive, write_parts
from evol_core.schemas import SCORES, score_row
from evol_core.score.metric import Scoring
from evol_core.score.models.forward import Forward
from evol_core.score.models.losses import LossScorer
from evol_core.score.models.sides import Text
from evol_core.score.rows import score_pair
from evol_core.store.objects import ObjectStore

METRICS = ("length_chars", "length_words", "length_tokens", "instruction_loss", "ifd", "ic_ifd")


class TimedForward:
    """Forward passes as they are, and how long they took: from tokens to the losses of tokens."""

    def __init__(self, forward: Forward) -> None:
        self.name, self.device, self.context = forward.name, forward.device, forward.context
        self.seconds = 0.0
        self._forward = forward

    def __call__(self, texts: Sequence[Text]) -> list[list[float]]:
        began = time.perf_counter()
        losses = self._forward(texts)
        self.seconds += time.perf_counter() - began
        return losses


class TimedScorer(LossScorer):
    """The platform's scorer with a clock around its model."""

    def __init__(self, folder: Path, ref: ModelRef, *, device: str) -> None:
        super().__init__(folder, ref, device=device)
        self.timed = TimedForward(self._forward)
        self._forward = self.timed


def run_stage(scorer: TimedScorer, ref: ModelRef, pairs: Sequence[Pair]) -> tuple[int, float]:
    """Score the pairs as a stage does; how many scores were written, and in how many seconds."""
    scoring = Scoring(judge=ref, scorer=ref, form="plain", max_tokens=2048)
    with tempfile.TemporaryDirectory(prefix="evol-bench-") as folder:
        began = time.perf_counter()
        store = ObjectStore(Path(folder))
        engine = RecordedEngine(make_engine=lambda: scorer, store=store, index=MemoryIndex())
        scored = drive((score_pair(pair, METRICS, scoring) for pair in pairs), engine)
        parts = write_parts(store, (score_row(score) for scores in scored for score in scores), SCORES)
        engine.close()
        return sum(part.n_rows for part in parts), time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    ref = describe(options.folder)
    scorer = TimedScorer(options.folder, ref, device=options.device)
    pairs = [Pair(instruction=Instruction(text=asked), response=said) for asked, said in made_pairs(options.rows)]
    run_stage(scorer, ref, pairs[:1])
    scorer.timed.seconds = 0.0
    scores, seconds = run_stage(scorer, ref, pairs)
    beside = seconds - scorer.timed.seconds
    print(f"{len(pairs)} pairs, {scores} scores, {torch.get_num_threads()} threads, {scorer.name}")
    print(f"stage {seconds:.2f} s, of which in the model {scorer.timed.seconds:.2f} s")
    print(f"beside the model {beside:.3f} s: {beside / seconds:.1%} of the stage (goal: at most 5%)")
    return 0 if beside / seconds <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
