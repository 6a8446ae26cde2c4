"""Makes the Hugging Face Trainer use DeepSpeed on machines without an accelerator, where it otherwise would not.

Accelerate 1.15 has two ways on a CPU: told that it is one, it leaves DeepSpeed out without a word; not told, it counts
one process and does not know bfloat16. So its process group is set up here as DeepSpeed's CPU accelerator wants it.
The trainer afterwards makes sure that DeepSpeed is really there.
"""

import deepspeed
import torch
import transformers.training_args
from accelerate.state import PartialState
from accelerate.utils import DistributedType


def use_deepspeed_on_cpu() -> None:
    """Before TrainingArguments are made; in a process of its own, as it changes both libraries."""
    transformers.training_args.is_torch_bf16_gpu_available = lambda *_, **__: True
    PartialState._prepare_backend = _prepare_backend
    # Only inference calls this kernel, yet DeepSpeed compiles it at the start: minutes, a compiler, and after a
    # kill -9 a lock that every later start waits for.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    PartialState.set_device = _set_device


def _prepare_backend(
    self: PartialState, cpu: bool = False, sagemaker_dp: bool = False, backend: str | None = None
) -> tuple[str, DistributedType]:
    return "gloo", DistributedType.MULTI_CPU


def _set_device(self: PartialState) -> None:
    if self.device is None:
        self.device = torch.device("cpu")
