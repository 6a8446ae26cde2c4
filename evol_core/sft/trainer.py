"""`python -m evol_core.sft.trainer TASK`: one process of a training run. Started by a launcher, one a GPU.

The loop is Hugging Face's Trainer, for preference pairs TRL's, both on DeepSpeed; here stands what they are told.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import deepspeed
import pyarrow.parquet as pq
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import is_flash_attn_2_available

from evol_core.sft.samples import IGNORE
from evol_core.sft.task import TrainingFolder, TrainTask, read_task


def deepspeed_config(task: TrainTask) -> dict[str, Any]:
    """What DeepSpeed is told; `auto` is what the trainer says. The optimiser is torch's own AdamW."""
    zero: dict[str, Any] = {"stage": task.zero, "overlap_comm": torch.cuda.is_available()}
    if task.zero == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    return {
        "zero_optimization": zero,
        "bf16": {"enabled": "auto"},
        "gradient_clipping": "auto",
        "gradient_accumulation_steps": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "train_batch_size": "auto",
    }


def arguments(task: TrainTask) -> dict[str, Any]:
    """What both trainers are told."""
    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(TrainingFolder(Path(task.folder)).checkpoints),
        "per_device_train_batch_size": task.micro_batch,
        "gradient_accumulation_steps": task.accumulation,
        "max_steps": task.steps,
        "learning_rate": task.learning_rate,
        "lr_scheduler_type": task.schedule,
        "warmup_steps": task.warmup_steps,
        "weight_decay": task.weight_decay,
        "max_grad_norm": task.max_grad_norm,
        "optim": "adamw_torch",
        "bf16": uses_bfloat16(task),
        "tf32": gpu and torch.cuda.get_device_capability()[0] >= 8,
        "gradient_checkpointing": task.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "deepspeed": deepspeed_config(task),
        "train_sampling_strategy": "sequential",
        "remove_unused_columns": False,
        "dataloader_pin_memory": gpu,
        "save_strategy": "steps",
        "save_steps": task.checkpoint_steps,
        "save_total_limit": 1,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "seed": task.seed,
        "report_to": [],
        "disable_tqdm": True,
    }


def uses_bfloat16(task: TrainTask) -> bool:
    if task.dtype == "auto":
        return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    return task.dtype == "bfloat16"


def load_model(task: TrainTask) -> Any:
    """After the training arguments: with ZeRO-3 they see to it that no process loads all of the weights."""
    model = AutoModelForCausalLM.from_pretrained(
        task.base,
        dtype=torch.bfloat16 if uses_bfloat16(task) else torch.float32,
        attn_implementation="flash_attention_2" if is_flash_attn_2_available() else "sdpa",
    )
    model.config.use_cache = False
    return model


def lora_config(task: TrainTask) -> Any:
    """None where all weights are trained."""
    if task.tuning == "full":
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=task.lora["rank"],
        lora_alpha=task.lora["alpha"],
        lora_dropout=task.lora["dropout"],
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


class Samples(torch.utils.data.Dataset[dict[str, list[int]]]):  # type: ignore[misc]
    """The samples in the order of the training."""

    def __init__(self, samples: Path, order: Sequence[int]) -> None:
        self._columns = pq.read_table(samples, columns=["input_ids", "labels", "position_ids"])
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, position: int) -> dict[str, list[int]]:
        return {
            name: self._columns[name][self._order[position]].as_py() for name in ("input_ids", "labels", "position_ids")
        }


def pad(samples: list[dict[str, list[int]]], pad_id: int) -> dict[str, torch.Tensor]:
    """A batch of samples of one row each: filled up on the right, and the filling masked."""
    longest = max(len(sample["input_ids"]) for sample in samples)

    def filled(name: str, value: int) -> torch.Tensor:
        return torch.tensor([sample[name] + [value] * (longest - len(sample[name])) for sample in samples])

    masks = [{"mask": [1] * len(sample["input_ids"])} for sample in samples]
    return {
        "input_ids": filled("input_ids", pad_id),
        "labels": filled("labels", IGNORE),
        "attention_mask": torch.tensor([m["mask"] + [0] * (longest - len(m["mask"])) for m in masks]),
    }


def whole(samples: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """One packed sample. Positions that begin anew, without a mask, tell the model where another row begins.

    The first label of a row is never predicted from the row before it: prompts have no labels.
    """
    (sample,) = samples
    return {name: torch.tensor([sample[name]]) for name in ("input_ids", "labels", "position_ids")}


class KeepLosses(TrainerCallback):  # type: ignore[misc]
    """Writes the curve so far after every step. A resumed run goes on with the curve of its checkpoint."""

    def __init__(self, folder: TrainingFolder) -> None:
        self._folder = folder

    def on_log(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        if not state.is_world_process_zero:
            return
        names = ("step", "loss", "learning_rate", "grad_norm", "rewards/margins", "rewards/accuracies")
        kept = [{name: said[name] for name in names if name in said} for said in state.log_history if "loss" in said]
        staged = self._folder.losses.with_suffix(".part")
        staged.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        staged.replace(self._folder.losses)


def sft_trainer(task: TrainTask, folder: TrainingFolder, order: list[int], tokenizer: Any) -> Trainer:
    args = TrainingArguments(**arguments(task))
    model = load_model(task)
    if (lora := lora_config(task)) is not None:
        from peft import get_peft_model

        model = get_peft_model(model, lora)
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return Trainer(
        model=model,
        args=args,
        train_dataset=Samples(folder.samples, order),
        data_collator=whole if task.packing else lambda samples: pad(samples, pad_id),
        processing_class=tokenizer,
    )


def dpo_trainer(task: TrainTask, folder: TrainingFolder, order: list[int], tokenizer: Any) -> Trainer:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    args = DPOConfig(**arguments(task), beta=task.dpo_beta, max_length=task.max_tokens)
    pairs = pq.read_table(folder.samples, columns=["prompt", "chosen", "rejected"]).take(order).to_pylist()
    roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
    chats = [{name: [{"role": roles[name], "content": text}] for name, text in pair.items()} for pair in pairs]
    return DPOTrainer(
        model=load_model(task),
        args=args,
        train_dataset=Dataset.from_list(chats),
        processing_class=tokenizer,
        peft_config=lora_config(task),
    )


def main() -> None:
    task = read_task(Path(sys.argv[-1]))
    folder = TrainingFolder(Path(task.folder))
    if not torch.cuda.is_available():
        from evol_core.sft.cpu import use_deepspeed_on_cpu

        use_deepspeed_on_cpu()
    tokenizer = AutoTokenizer.from_pretrained(task.base)
    order = pq.read_table(folder.order, columns=["position", "sample"]).to_pydict()
    first = dict(zip(order["position"], order["sample"], strict=True))
    make = sft_trainer if task.method == "sft" else dpo_trainer
    trainer = make(task, folder, [first[position] for position in sorted(first)], tokenizer)
    trainer.add_callback(KeepLosses(folder))
    checkpoint = folder.last_checkpoint(task.processes)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    assert isinstance(trainer.model_wrapped, deepspeed.DeepSpeedEngine), "DeepSpeed was left out without a word"
    if task.tuning == "full":
        trainer.model.config.use_cache = True
    trainer.save_model(str(folder.unfinished_model if task.tuning == "full" else folder.adapter))
    torch.distributed.barrier()
    folder.finished.touch()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
