"""The trainer's processes on a random model of a few thousand weights, on DeepSpeed as it is.

The jobs interpreter runs these: `.venv-jobs/bin/python -m pytest tests/integration/engine_sft`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
import torch  # noqa: TID253
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: TID253

from evol_core.config import PROJECT_ROOT
from evol_core.errors import ConfigError, JobFailed
from evol_core.recipe import SftRecipe, TrainConfig
from evol_core.sft.chat import chat
from evol_core.sft.launch import run_trainer
from evol_core.sft.merge import merge_adapter
from evol_core.sft.prepare import prepare, training_task
from evol_core.sft.samples import Tally, sft_samples
from evol_core.sft.task import TrainingFolder, TrainTask
from evol_core.sft.trainer import pad, whole
from tests.integration.engine_scores.tiny import CHAT, MODELS, save, tokenizer

pytestmark = pytest.mark.engine

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
ROWS = [
    {"instruction": f"Say {word}.", "input": "", "output": f"{word} {word}.", "instruction_id": word} for word in WORDS
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    save(folder, MODELS["llama"](), tokenizer(bos=True, chat=CHAT.replace("SAID", "")))
    return folder


def recipe(**train: Any) -> SftRecipe:
    small = {"zero": 2, "global_batch": 4, "epochs": 20, "learning_rate": 1e-2, "max_tokens": 200}
    return SftRecipe.model_validate(
        {"name": "tiny", "dataset": "demo", "train": small | train, "launch": {"checkpoint_steps": 4}}
    )


def begin(folder: TrainingFolder, base: Path, chosen: SftRecipe, rows: Sequence[Mapping[str, str]] = ROWS) -> TrainTask:
    folder.path.mkdir(parents=True, exist_ok=True)
    words = AutoTokenizer.from_pretrained(base)
    prepared = prepare(folder, chosen, "demo@1", lambda: [pa.Table.from_pylist(list(rows))], words)
    task = training_task(chosen, folder, base, prepared)
    task.write(folder.task)
    return task


def train(folder: TrainingFolder, chosen: SftRecipe, tell: Callable[[int], None] = lambda steps: None) -> list[float]:
    run_trainer(folder, chosen.launch, gpu=False, tell=tell)
    return [line["loss"] for line in folder.read_losses()]


def test_a_killed_training_goes_on_with_the_curve_of_one_that_was_not(base: Path, tmp_path: Path) -> None:
    chosen = recipe()
    straight, broken = TrainingFolder(tmp_path / "straight"), TrainingFolder(tmp_path / "broken")
    task = begin(straight, base, chosen)
    begin(broken, base, chosen)
    expected = train(straight, chosen)

    def kill(steps: int) -> None:
        if broken.last_checkpoint(processes=1) is not None:
            for process in psutil.Process().children(recursive=True):
                process.kill()

    with pytest.raises(JobFailed, match="exit code -9; a retry goes on from its last checkpoint"):
        train(broken, chosen, kill)
    assert 0 < len(broken.read_losses()) < task.steps
    resumed = train(broken, chosen)

    assert len(expected) == task.steps
    assert expected[-1] < 0.5 * expected[0]
    assert resumed == pytest.approx(expected, rel=1e-4)
    model = AutoModelForCausalLM.from_pretrained(broken.unfinished_model)
    assert model.config.use_cache


def test_two_processes_share_weights_and_leave_one_whole_model(base: Path, tmp_path: Path) -> None:
    alone = recipe(epochs=4)
    shared = alone.model_copy(
        update={
            "train": alone.train.model_copy(update={"zero": 3}),
            "launch": alone.launch.model_copy(update={"processes": 2}),
        }
    )
    one, two = TrainingFolder(tmp_path / "one"), TrainingFolder(tmp_path / "two")
    begin(one, base, alone)
    begin(two, base, shared)

    expected, found = train(one, alone), train(two, shared)

    assert found == pytest.approx(expected, rel=1e-3)
    assert found[-1] < found[0]
    weights = [AutoModelForCausalLM.from_pretrained(folder.unfinished_model).state_dict() for folder in (one, two)]
    assert weights[0].keys() == weights[1].keys()
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, rtol=1e-2, atol=1e-3)
    hosted = TrainingFolder(tmp_path / "hosted")
    begin(hosted, base, shared)
    assert train(hosted, by_host_file(shared, tmp_path)) == pytest.approx(found, rel=1e-5), "DeepSpeed's own launcher"
    with pytest.raises(ConfigError, match=r"was written by 2 processes, and launch\.processes is 1"):
        two.last_checkpoint(processes=1)


def by_host_file(chosen: SftRecipe, folder: Path) -> SftRecipe:
    path = folder / "hosts"
    path.write_text(f"localhost slots={chosen.launch.processes}\n")
    launch = chosen.launch.model_copy(update={"launcher": "deepspeed", "host_file": str(path)})
    return chosen.model_copy(update={"launch": launch})


def test_preferences_are_learned_by_adapters_that_are_merged(base: Path, tmp_path: Path) -> None:
    said = yaml.safe_load((PROJECT_ROOT / "examples" / "dpo.yaml").read_text())
    said["train"] |= {"global_batch": 4, "epochs": 4, "learning_rate": 1e-2, "warmup_steps": 0, "max_tokens": 200}
    chosen = SftRecipe.model_validate(said)
    folder = TrainingFolder(tmp_path / "dpo")
    pairs = [{**row, "chosen": row["output"], "rejected": "nothing."} for row in ROWS]
    begin(folder, base, chosen, pairs)

    losses = train(folder, chosen)
    merge_adapter(base, folder.adapter, folder.unfinished_model)

    assert losses[0] == pytest.approx(math.log(2), rel=1e-3)
    assert losses[-1] < 0.5 * losses[0]
    assert folder.read_losses()[-1]["rewards/margins"] > 1
    assert prefers(folder.unfinished_model, pairs[0]) > prefers(base, pairs[0]) + 1


def prefers(folder: Path, pair: dict[str, str]) -> float:
    """How much likelier the model makes the chosen answer than the rejected one, nats."""
    words, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)

    def total(side: str) -> float:
        said = chat(words, pair["instruction"], pair[side])
        ids = torch.tensor([[*said.prompt, *said.answer]])
        with torch.no_grad():
            logs = model(input_ids=ids).logits[0].log_softmax(-1)
        first = len(said.prompt)
        return sum(float(logs[first + place - 1, token]) for place, token in enumerate(said.answer))

    return total("chosen") - total("rejected")


def test_rows_in_one_sample_do_not_see_each_other(base: Path) -> None:
    words, model = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base, use_cache=False)
    alone = list(sft_samples(ROWS, words, TrainConfig(), Tally()))
    (packed,) = sft_samples(ROWS, words, TrainConfig(packing=True), Tally())

    with torch.no_grad():
        apart = [model(**pad([sample], pad_id=0)).logits[0] for sample in alone]
        together = model(**{name: value for name, value in whole([packed]).items() if name != "labels"}).logits[0]

    torch.testing.assert_close(together, torch.cat(apart), rtol=1e-4, atol=1e-4)
