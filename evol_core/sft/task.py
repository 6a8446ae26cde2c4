"""What the trainer's processes are told, as a JSON file, and the folder that all of a training run lies in."""

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from evol_core.errors import ConfigError, JobFailed
from evol_core.store.files import io_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainTask:
    """One training run, as its processes see it. Paths are absolute."""

    folder: str
    base: str
    """The model folder that is trained."""

    method: Literal["sft", "dpo"]
    tuning: Literal["full", "lora"]
    zero: int
    lora: Mapping[str, Any]
    dpo_beta: float
    processes: int
    micro_batch: int
    accumulation: int
    steps: int
    checkpoint_steps: int
    learning_rate: float
    schedule: str
    warmup_steps: int
    weight_decay: float
    max_grad_norm: float
    max_tokens: int
    packing: bool
    gradient_checkpointing: bool
    dtype: Literal["auto", "float32", "bfloat16"]
    seed: int

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def read_task(path: Path) -> TrainTask:
    return TrainTask(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """The files of one training run; the same rows, base model and configuration have the same folder."""

    path: Path

    @property
    def task(self) -> Path:
        return self.path / "task.json"

    @property
    def samples(self) -> Path:
        return self.path / "samples.parquet"

    @property
    def order(self) -> Path:
        """Parquet: position, step, sample, row, instruction_id. Position p is seen in step p // global_batch + 1."""
        return self.path / "order.parquet"

    @property
    def prepared(self) -> Path:
        """Counts; written last, so its existence says that samples and order are whole."""
        return self.path / "prepared.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def losses(self) -> Path:
        """JSON lines: step, loss, learning_rate, grad_norm."""
        return self.path / "losses.jsonl"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def finished(self) -> Path:
        """Written when all is saved: DeepSpeed's launcher ends with 0 where its processes were killed."""
        return self.path / "finished"

    @property
    def adapter(self) -> Path:
        """What LoRA has learned, before it is merged."""
        return self.path / "adapter"

    @property
    def model(self) -> Path:
        """The trained model as a Hugging Face folder; there only when it is whole."""
        return self.path / "model"

    @property
    def unfinished_model(self) -> Path:
        return self.path / "model.part"

    def read_losses(self) -> list[dict[str, float]]:
        """So far, a line a step."""
        try:
            lines = self.losses.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def last_checkpoint(self, processes: int) -> Path | None:
        """The newest whole one; None where the training has to begin at the beginning.

        Raises:
            ConfigError: another number of processes has written it.
        """
        found = sorted(self.checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
        whole = [path for path in found if (path / "trainer_state.json").is_file()]
        if not whole:
            return None
        ranks = len(list(whole[-1].glob("rng_state*.pth")))
        if ranks != processes:
            raise ConfigError(
                f"checkpoint {whole[-1]} was written by {ranks} processes, and launch.processes is {processes}: their "
                f"parts cannot be joined. Go on with {ranks}, or remove {self.checkpoints} to begin anew"
            )
        return whole[-1]

    def drop_checkpoints(self) -> None:
        """What only a resumed training needs: optimiser states, and the samples that can be made again."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Of all processes only one trains here.

        Raises:
            JobFailed: another one does.
        """
        with io_errors(self.path, "write"):
            self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise JobFailed(f"another job trains the same rows in {self.path} now; wait for it") from None
            yield
