"""Rewards of chats: how much a reward model prefers what the assistant said.

Two kinds of model: a sequence classifier with one output (Skywork's), read at the last token of the chat; and one that
brings its own way of scoring in its folder's code (InternLM2's), which runs only where the caller allows that code.
A reward has no unit and no zero: rewards of one model compare with each other, and with nothing else.
Source: methods 5.6.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from evol_core.errors import ModelError
from evol_core.score.models.forward import batches, dtype_of, padded
from evol_core.text import has_lone_surrogate

PADDED_TOKENS = {"cpu": 1, "cuda": 32_768}
"""Of one batch; on a processor a chat alone is as fast and wastes nothing."""


class Chat(NamedTuple):
    """One turn of each side."""

    user: str
    assistant: str


class Reward(NamedTuple):
    """A model's preference for one chat."""

    value: float | None
    reason: str = ""
    """Why value is None: over_context, not_finite or not_unicode."""


class RewardModel(Protocol):
    def __call__(self, chats: Sequence[Chat]) -> list[Reward]:
        """One reward a chat, in their order."""


class Classifier:
    """A sequence classifier with one output."""

    def __init__(self, model: Any, tokenizer: Any, *, padded_tokens: int | None = None) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._padded_tokens = padded_tokens or PADDED_TOKENS[model.device.type]
        self._context = context_of(model)

    def __call__(self, chats: Sequence[Chat]) -> list[Reward]:
        rewards: dict[int, Reward] = {}
        rows: dict[int, list[int]] = {}
        for number, chat in enumerate(chats):
            if has_lone_surrogate(chat.user + chat.assistant):
                rewards[number] = Reward(None, "not_unicode")
                continue
            ids = chat_ids(self._tokenizer, chat)
            if len(ids) > self._context:
                rewards[number] = Reward(None, "over_context")
            else:
                rows[number] = ids
        numbers = list(rows)
        for batch in batches([len(rows[number]) for number in numbers], self._padded_tokens):
            members = [numbers[place] for place in batch]
            rewards.update(zip(members, self._rewards([rows[number] for number in members]), strict=True))
        return [rewards[number] for number in range(len(chats))]

    def _rewards(self, rows: list[list[int]]) -> list[Reward]:
        """Read at each row's own last token: padding may be the same token, so it cannot tell where a row ends."""
        ids_BT, mask_BT = padded(rows, self._model.device)
        with torch.inference_mode():
            hidden_BTD = self._model.base_model(input_ids=ids_BT, attention_mask=mask_BT)[0]
            last_B = mask_BT.sum(1) - 1
            values = self._model.score(hidden_BTD[torch.arange(len(rows)), last_B])[:, 0].tolist()
        return [finite(value) for value in values]


class OwnScoring:
    """A model with a method of its own, `get_score(tokenizer, chat)`."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._context = context_of(model)

    def __call__(self, chats: Sequence[Chat]) -> list[Reward]:
        with torch.inference_mode():
            return [self._reward(chat) for chat in chats]

    def _reward(self, chat: Chat) -> Reward:
        if has_lone_surrogate(chat.user + chat.assistant):
            return Reward(None, "not_unicode")
        if len(self._tokenizer(chat.user + chat.assistant)["input_ids"]) > self._context:
            return Reward(None, "over_context")
        return finite(float(self._model.get_score(self._tokenizer, messages(chat))))


def load_reward_model(
    folder: Path, *, device: str = "auto", dtype: str = "float32", trust_remote_code: bool = False
) -> RewardModel:
    """The reward model in a folder, of whichever kind it is.

    Raises:
        ModelError: it is neither kind, or it needs code that the caller has not allowed.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if _brings_code(folder) and not trust_remote_code:
        raise ModelError(
            f"reward model {folder.name!r} brings code of its own; read it, then allow it in the recipe "
            "with trust_remote_code: true and pin it with revision"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=trust_remote_code)
        kind = AutoModel if _brings_code(folder) else AutoModelForSequenceClassification
        model = kind.from_pretrained(
            folder, dtype=dtype_of(dtype), local_files_only=True, trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} cannot be loaded as a reward model: {error}") from None
    model = model.eval().to(device)
    if callable(getattr(model, "get_score", None)):
        return OwnScoring(model, tokenizer)
    outputs = int(getattr(model.config, "num_labels", 0))
    if outputs != 1 or not hasattr(model, "score"):
        raise ModelError(f"reward model {folder.name!r} has {outputs} outputs; a reward model has one, read by `score`")
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"reward model {folder.name!r} has no chat template, so it can read no chat; add its template")
    return Classifier(model, tokenizer)


def _brings_code(folder: Path) -> bool:
    try:
        return "auto_map" in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def context_of(model: Any) -> int:
    """Positions that a model knows; as good as no limit where its config names none."""
    return int(getattr(model.config, "max_position_embeddings", 0)) or 2**31


def messages(chat: Chat) -> list[dict[str, str]]:
    return [{"role": "user", "content": chat.user}, {"role": "assistant", "content": chat.assistant}]


def chat_ids(tokenizer: Any, chat: Chat) -> list[int]:
    """A chat in tokens by its template, which writes BOS itself where there is one."""
    text = tokenizer.apply_chat_template(messages(chat), tokenize=False)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def finite(value: float) -> Reward:
    return Reward(value) if math.isfinite(value) else Reward(None, "not_finite")
