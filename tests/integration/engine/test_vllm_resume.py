"""A job that is killed in the middle loses what was in flight, and nothing else."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.llm.port import Engine
from evol_core.llm.record import RecordedEngine
from evol_core.llm.vllm_offline import VllmOffline
from evol_core.records import ModelRef
from evol_core.store.objects import ObjectStore
from tests.integration.engine.chats import answers
from tests.integration.engine.recorded_job import N_ROWS, index_of, requests

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def killed_after(n_answers: int, folder: Path, root: Path) -> int:
    """Start the job, kill it when it holds so many answers; how many it said it held."""
    command = [sys.executable, "-m", "tests.integration.engine.recorded_job", str(folder), str(root)]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        said = next(int(line) for line in job.stdout if int(line) >= n_answers)
        job.kill()
    assert job.returncode == -signal.SIGKILL
    return said


def test_after_kill_9_only_what_is_missing_is_generated_and_the_answers_are_those_of_an_undisturbed_run(
    engine: VllmOffline, model: ModelRef, model_folder: Path, tmp_path: Path
) -> None:
    undisturbed = [generation.text for generation in answers(engine, requests(model))]
    said = killed_after(4, model_folder, tmp_path)
    recorded = len(index_of(ObjectStore(tmp_path)).find([request.hash for request in requests(model)]))
    assert said <= recorded < N_ROWS

    resumed = RecordedEngine(
        make_engine=lambda: _Lent(engine), store=ObjectStore(tmp_path), index=index_of(ObjectStore(tmp_path))
    )
    texts = [generation.text for generation in answers(resumed, requests(model))]
    resumed.close()

    assert (resumed.counts.replayed, resumed.counts.generated) == (recorded, N_ROWS - recorded)
    assert texts == undisturbed


def test_a_second_run_starts_no_engine(engine: VllmOffline, model: ModelRef, tmp_path: Path) -> None:
    def never() -> Engine:
        raise AssertionError("no engine may be started here")

    store = ObjectStore(tmp_path)
    first = RecordedEngine(make_engine=lambda: _Lent(engine), store=store, index=index_of(store))
    asked = answers(first, requests(model))
    second = RecordedEngine(make_engine=never, store=store, index=index_of(store))

    assert answers(second, requests(model)) == asked
    assert first.counts.tokens == sum(generation.n_tokens for generation in asked)
    assert first.counts.engine_seconds > 0


class _Lent:
    """The session's engine, which stays open when its borrower closes it."""

    def __init__(self, engine: VllmOffline) -> None:
        self.name = engine.name
        self.submit, self.collect, self.poll = engine.submit, engine.collect, engine.poll

    def close(self) -> None:
        """Its owner closes it."""
