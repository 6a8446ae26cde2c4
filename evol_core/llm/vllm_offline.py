"""vLLM in this process: answers stream out as they finish, while others go on.

On a CPU the engine runs inside the process (its own processes would each import vLLM again), eager, with as many
threads as the process may use. On CUDA it has its own processes and vLLM's own defaults.

A chat is rendered by the model's own template to token ids, and the engine is given these ids: no second
beginning-of-sequence token can creep in. Each request draws from its own seed, so in float32 its answer does not
depend on what else is in the batch.

The context is `max_model_len`. A prompt that leaves no room for one token is answered as an error; where there is
less room than the request's `max_tokens`, the reply ends with `length` when the context is full.
"""

import gc
import importlib
import math
import os
import time
import warnings
from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import TemplateError
from pydantic import ValidationError

from evol_core.errors import EngineError, ModelError
from evol_core.llm.model_folder import check_revision
from evol_core.recipe import ModelConfig
from evol_core.records import FinishReason, Generation, ModelRef
from evol_core.requests import GenerateRequest, Message, Request

AHEAD = 2
"""Batches that the engine holds, one of them waiting: enough that it never runs dry."""

CPU_STEP_TOKENS = 4096
"""Prompt tokens that one step reads on a CPU at most, or one whole context."""

STRUCTURED = {"backend": "xgrammar", "disable_any_whitespace": True}
"""Structured replies hold no blanks that the form does not need: a small model can spend all its tokens on them."""

CPU_CACHE_BYTES = 2 << 30
"""The most that the key-value cache takes of a CPU's memory; at most a quarter of what is free."""


_OPEN: list[Any] = []
_CLOSED: list[Any] = []
"""Engines in this process share its process groups, which end with the first that is shut down. So on a CPU
those that are closed wait for the last one."""


class _InFlight(NamedTuple):
    request: GenerateRequest
    began: float


class VllmOffline:
    """Satisfies PollingEngine with one model folder, checked and described before."""

    def __init__(self, folder: Path, ref: ModelRef, config: ModelConfig) -> None:
        """Load the model: seconds on a CPU, up to minutes on CUDA.

        Raises:
            ModelError: the folder holds other weights than the recipe pins, or vLLM cannot run this model so.
            EngineError: the engine did not start; it may on another try, when memory is free again.
        """
        check_revision(config.revision, ref)
        self._ref = ref
        self._config = config
        self._ids = count()
        self._backlog: deque[_InFlight] = deque()
        self._running: dict[str, _InFlight] = {}
        self._on_cuda = _prepare_process()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are on vLLM's own parts
            version = importlib.import_module("vllm").__version__.partition("+")[0]
            self.name = f"vllm {version} {'cuda' if self._on_cuda else 'cpu'}"
            self.llm: Any = self._load(folder)
        _OPEN.append(self.llm)
        self._tokenizer: Any = self.llm.get_tokenizer()
        if not getattr(self._tokenizer, "chat_template", None):
            self.close()
            raise ModelError(
                f"model {ref.name!r} has no chat template, so it takes no instructions; use its instruct version"
            )

    def submit(self, requests: Sequence[Request]) -> None:
        for request in requests:
            if not isinstance(request, GenerateRequest):
                raise ValueError(f"{self.name} generates; a {type(request).__name__} goes to a scorer")
            self._backlog.append(_InFlight(request, time.monotonic()))

    def collect(self) -> list[Generation]:
        return self.poll(math.inf)

    def poll(self, seconds: float) -> list[Generation]:
        """What has finished, waiting about so long for the first, but no shorter than one step of the engine."""
        until = time.monotonic() + seconds
        finished: list[Generation] = []
        while not finished and (self._backlog or self._running):
            finished = self._feed()
            if self._running:
                finished += self._step()
            if time.monotonic() >= until:
                break
        return finished

    def close(self) -> None:
        llm, self.llm, self._tokenizer = self.llm, None, None
        if llm is None:
            return
        _OPEN.remove(llm)
        _CLOSED.append(llm)
        if self._on_cuda or not _OPEN:
            while _CLOSED:
                _CLOSED.pop().llm_engine.engine_core.shutdown()
            del llm
            gc.collect()

    def _load(self, folder: Path) -> Any:
        from vllm import LLM
        from vllm.exceptions import VLLMClientError

        config = self._config
        try:
            return LLM(
                model=str(folder),
                dtype=config.dtype,
                max_model_len=config.max_model_len,
                max_num_seqs=config.max_num_seqs,
                tensor_parallel_size=config.tensor_parallel,
                trust_remote_code=config.trust_remote_code,
                enable_prefix_caching=True,
                disable_log_stats=True,
                use_tqdm_on_load=False,
                structured_outputs_config=STRUCTURED,
                **self._device_arguments(),
            )
        except (ValueError, VLLMClientError) as error:
            raise ModelError(f"vLLM cannot run model {self._ref.name!r} as the recipe says: {_plain(error)}") from error
        except Exception as error:
            raise EngineError(f"{self.name} did not start with model {self._ref.name!r}: {error!r}") from error

    def _device_arguments(self) -> dict[str, Any]:
        if self._on_cuda:
            return {"gpu_memory_utilization": self._config.gpu_memory_utilization}
        return _cpu_arguments(self._config.max_model_len)

    def _feed(self) -> list[Generation]:
        """Hand the engine what it has room for; the errors of those that it can never serve."""
        refused: list[Generation] = []
        while self._backlog and len(self._running) < AHEAD * self._config.max_num_seqs:
            member = self._backlog.popleft()
            if error := self._add(member):
                refused.append(self._refusal(member, error))
        return refused

    def _add(self, member: _InFlight) -> str:
        """Hand one request to the engine; why it can never be served, or nothing."""
        from vllm.exceptions import VLLMClientError
        from vllm.inputs import tokens_input

        request_id = str(next(self._ids))
        try:
            tokens, sampling = self.tokens(member.request), self.sampling(member.request)
            self.llm.llm_engine.add_request(request_id, tokens_input(tokens), sampling)
        except (ValueError, TypeError, TemplateError, VLLMClientError) as error:
            return str(error)
        except Exception as error:
            raise self._failure(error) from error
        self._running[request_id] = member
        return ""

    def tokens(self, request: GenerateRequest) -> list[int]:
        """The chat as token ids, ready for the reply.

        Raises:
            ValueError: it leaves no room for a reply, or holds what is no text.
        """
        tokens = chat_tokens(self._tokenizer, request.messages)
        context = self._config.max_model_len
        if len(tokens) >= context:
            raise ValueError(
                f"the prompt has {len(tokens)} tokens; a context of {context} (max_model_len) must also hold a reply"
            )
        return tokens

    def sampling(self, request: GenerateRequest) -> Any:
        from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

        decoding = request.decoding
        structured = StructuredOutputsParams(json=decoding.json_schema) if decoding.json_schema else None
        return SamplingParams(
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            max_tokens=decoding.max_tokens,
            seed=request.seed,
            logprobs=0,
            structured_outputs=structured,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _step(self) -> list[Generation]:
        try:
            outputs = self.llm.llm_engine.step()
        except Exception as error:
            raise self._failure(error) from error
        return [self._generation(output) for output in outputs if output.finished]

    def _failure(self, error: Exception) -> EngineError:
        return EngineError(
            f"{self.name} failed with {len(self._running)} requests of model {self._ref.name!r} in flight: "
            f"{error!r}; the log of this job has the engine's own words above"
        )

    def _generation(self, output: Any) -> Generation:
        member = self._running.pop(output.request_id)
        (reply,) = output.outputs
        finish_reason: FinishReason = reply.finish_reason if reply.finish_reason in ("stop", "length") else "error"
        return Generation(
            request_hash=member.request.hash,
            text=reply.text,
            finish_reason=finish_reason,
            n_prompt_tokens=len(output.prompt_token_ids),
            n_tokens=len(reply.token_ids),
            logprob_sum=reply.cumulative_logprob,
            error=f"the engine ended it with {reply.finish_reason!r}" if finish_reason == "error" else "",
            engine=self.name,
            seconds=time.monotonic() - member.began,
        )

    def _refusal(self, member: _InFlight, error: str) -> Generation:
        return Generation(
            request_hash=member.request.hash,
            finish_reason="error",
            error=error,
            engine=self.name,
            seconds=time.monotonic() - member.began,
        )


def _plain(error: Exception) -> str:
    """What vLLM says of settings that it refuses, without the form of the validator."""
    if isinstance(error, ValidationError):
        return "; ".join(detail["msg"].removeprefix("Value error, ") for detail in error.errors())
    return str(error)


def chat_tokens(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """A chat by the model's own template, which brings the special tokens: the tokenizer adds none of its own."""
    for message in messages:
        message.content.encode()  # a lone surrogate is no text, and the tokenizer's own error does not say so
    tokens: list[int] = tokenizer.apply_chat_template(
        [message._asdict() for message in messages], tokenize=True, add_generation_prompt=True, return_dict=False
    )
    return tokens


def _prepare_process() -> bool:
    """Set what vLLM reads when it is imported; whether it will run on CUDA.

    What the surroundings have set for logging and threads holds.
    """
    os.environ.update(HF_HUB_OFFLINE="1", VLLM_NO_USAGE_STATS="1", DO_NOT_TRACK="1")
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # asked otherwise, CUDA forbids a later fork
    torch = importlib.import_module("torch")
    on_cuda: bool = torch.cuda.is_available()
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING" if on_cuda else "ERROR")
    if not on_cuda:
        os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", VLLM_CPU_OMP_THREADS_BIND="nobind")
        if "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(len(os.sched_getaffinity(0)))
    return on_cuda


def _cpu_arguments(context: int) -> dict[str, Any]:
    """Eager, in this process, and with every prompt read in one step.

    A prompt that is read in parts makes vLLM wind a seeded request's generator back, which PyTorch's generators
    cannot do on a CPU.
    """
    free: int = importlib.import_module("psutil").virtual_memory().available
    return {
        "enforce_eager": True,
        "distributed_executor_backend": "uni",
        "kv_cache_memory_bytes": min(CPU_CACHE_BYTES, free // 4),
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(CPU_STEP_TOKENS, context),
    }
