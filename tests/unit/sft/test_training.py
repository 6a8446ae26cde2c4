from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from evol_core.errors import ConfigError, JobFailed, NotFound, RecipeError
from evol_core.recipe import LaunchConfig, SftRecipe, parse_recipe
from evol_core.sft import launch
from evol_core.sft.hosts import check_hosts
from evol_core.sft.launch import command, environment
from evol_core.sft.order import steps_of, training_order
from evol_core.sft.plot import moving_mean
from evol_core.sft.prepare import check_columns, prepare
from evol_core.sft.task import TrainingFolder
from tests.unit.sft.words import Words


def recipe(**changes: Any) -> SftRecipe:
    return SftRecipe.model_validate({"name": "tiny", "dataset": "demo"} | changes)


def rows(n_rows: int) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"instruction": f"Say {number}.", "input": "", "output": str(number), "instruction_id": f"id{number}"}
            for number in range(n_rows)
        ]
    )


def test_the_default_recipe_is_the_papers() -> None:
    said = recipe().train

    assert (said.zero, said.tuning, said.epochs, said.global_batch, said.max_tokens) == (3, "full", 3, 64, 2048)
    assert (said.learning_rate, said.schedule, said.warmup_ratio) == (2e-5, "cosine", 0.03)
    assert (said.lora.rank, said.lora.alpha, said.lora.dropout, said.dpo_beta) == (8, 8, 0, 0.3)
    assert recipe(launch={"processes": 8}).accumulation == 8


def test_where_a_training_runs_is_no_part_of_what_it_is() -> None:
    assert recipe(launch={"processes": 8}).config_hash == recipe().config_hash
    assert recipe(train={"learning_rate": 1e-4}).config_hash != recipe().config_hash
    assert recipe(seed=1).config_hash != recipe().config_hash


def test_a_batch_that_processes_cannot_share_is_refused() -> None:
    with pytest.raises(RecipeError, match="multiple of micro_batch x processes = 3, got 64"):
        parse_recipe({"flow": "sft", "name": "a", "dataset": "d", "launch": {"processes": 3}}, origin="test")


def test_every_pass_sees_every_sample_once_and_in_another_order() -> None:
    order = training_order(10, 25, seed=3)

    assert sorted(order[:10]) == sorted(order[10:20]) == list(range(10))
    assert order[:10] != order[10:20]
    assert training_order(10, 40, seed=3)[:25] == order
    assert training_order(10, 25, seed=4) != order


@pytest.mark.parametrize(
    ("n_samples", "max_steps", "steps"), [(10, None, 8), (1, None, 1), (10, 2, 2), (8, None, 6), (10, 99, 8)]
)
def test_steps_cover_all_passes(n_samples: int, max_steps: int | None, steps: int) -> None:
    assert steps_of(n_samples, epochs=3, global_batch=4, max_steps=max_steps) == steps


def test_the_order_names_the_rows_of_every_step(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)

    done = prepare(
        folder, recipe(train={"global_batch": 4, "epochs": 2}), "demo@1", lambda: [rows(3), rows(3)], Words()
    )

    lines = pq.read_table(folder.order).to_pylist()
    assert (done.rows, done.samples, done.steps) == (6, 6, 3)
    assert Counter(line["step"] for line in lines) == {1: 4, 2: 4, 3: 4}
    assert Counter(line["row"] for line in lines) == dict.fromkeys(range(6), 2)
    assert {line["instruction_id"] for line in lines if line["row"] in (1, 4)} == {"id1"}


def test_what_is_prepared_is_not_made_again(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)
    first = prepare(folder, recipe(), "demo@1", lambda: [rows(3)], Words())

    again = prepare(folder, recipe(), "demo@1", lambda: pytest.fail("read again"), Words())

    assert again == first


def test_a_method_that_the_version_cannot_serve_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'dpo' needs .* evol@1 lacks \['chosen', 'rejected'\].*fit it: \['sft'\]"):
        check_columns(["instruction", "input", "output"], "dpo", "evol@1")


def checkpoint(folder: TrainingFolder, step: int, ranks: int, *, whole: bool = True) -> Path:
    path = folder.checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    for rank in range(ranks):
        (path / ("rng_state.pth" if ranks == 1 else f"rng_state_{rank}.pth")).touch()
    if whole:
        (path / "trainer_state.json").touch()
    return path


def test_training_goes_on_from_the_newest_checkpoint_that_is_whole(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)
    checkpoint(folder, 9, ranks=2)
    newest = checkpoint(folder, 10, ranks=2)
    checkpoint(folder, 11, ranks=2, whole=False)

    assert folder.last_checkpoint(processes=2) == newest
    assert TrainingFolder(tmp_path / "new").last_checkpoint(processes=2) is None


def test_a_checkpoint_of_another_world_size_is_refused_with_both_numbers(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)
    checkpoint(folder, 10, ranks=2)

    with pytest.raises(ConfigError, match=r"written by 2 processes, .*processes is 1.*Go on with 2, or remove"):
        folder.last_checkpoint(processes=1)


def test_one_job_at_a_time_trains_the_same(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)

    with folder.locked(), pytest.raises(JobFailed, match="another job trains the same rows"), folder.locked():
        pass


def test_torchrun_keeps_to_this_machine() -> None:
    said = command(LaunchConfig(processes=2), Path("/run/task.json"), port=4000)

    assert {"--nproc_per_node=2", "--master_addr=127.0.0.1", "--master_port=4000"} <= set(said)
    assert said[-3:] == ["-m", "evol_core.sft.trainer", "/run/task.json"]


def hosts(folder: Path, text: str, processes: int = 4) -> LaunchConfig:
    path = folder / "hosts"
    path.write_text(text)
    return LaunchConfig(host_file=str(path), launcher="deepspeed", processes=processes)


def test_several_machines_are_reached_by_ssh_and_a_single_one_is_this_one(tmp_path: Path) -> None:
    two = hosts(tmp_path, "one slots=2\n# spare\n\ntwo slots=2\n")
    check_hosts(two)
    said = command(two, Path("task.json"), port=4000)
    assert f"--hostfile={tmp_path / 'hosts'}" in said
    assert not any("127.0.0.1" in word or "ssh" in word or "num_gpus" in word for word in said)
    assert "GLOO_SOCKET_IFNAME" not in environment({}, two, gpu=False)

    one = hosts(tmp_path, "localhost slots=4\n")
    said = command(one, Path("task.json"), port=4000)
    assert {"--num_gpus=4", "--master_addr=127.0.0.1", "--no_ssh_check"} <= set(said)
    assert environment({}, one, gpu=False)["GLOO_SOCKET_IFNAME"] == "lo"
    with pytest.raises(ValidationError, match="set launcher to deepspeed"):
        LaunchConfig(host_file="/hosts")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one slots=2\n", r"processes is 4, and .*hosts has 2 slots on 1 machines; make them equal"),
        ("one slots=2\none slots=2\n", r"hosts, line 2: 'one slots=2'; write HOST slots=N, once a machine"),
        ("one\n", r"hosts, line 1: 'one'; write HOST slots=N"),
        ("# nobody\n", "hosts names no machine"),
    ],
)
def test_a_host_file_that_does_not_fit_is_refused_before_anything_starts(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_hosts(hosts(tmp_path, text))
    (tmp_path / "hosts").unlink()
    with pytest.raises(NotFound, match="hosts does not exist; write a line HOST slots=N a machine"):
        check_hosts(LaunchConfig(host_file=str(tmp_path / "hosts"), launcher="deepspeed"))


def test_a_launcher_that_ends_well_without_a_trained_model_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = TrainingFolder(tmp_path)
    folder.finished.touch()
    monkeypatch.setattr(launch, "command", lambda *about: ["true"])

    with pytest.raises(JobFailed, match="exit code 0; a retry goes on from its last checkpoint"):
        launch.run_trainer(folder, LaunchConfig(), gpu=False, tell=lambda steps: None)


def test_no_hub_is_asked_and_a_cpu_is_told_so() -> None:
    alone = environment({}, LaunchConfig(), gpu=False)

    assert (alone["HF_HUB_OFFLINE"], alone["DS_ACCELERATOR"], alone["GLOO_SOCKET_IFNAME"]) == ("1", "cpu", "lo")
    assert "DS_ACCELERATOR" not in environment({}, LaunchConfig(), gpu=True)


def test_a_moving_mean_begins_with_what_there_is() -> None:
    assert moving_mean([4.0, 2.0, 0.0], window=2) == [4.0, 3.0, 1.0]
