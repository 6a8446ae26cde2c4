"""Rows to samples: what a trainer sees. Rows in = rows in samples + rows left out, by reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from evol_core.errors import InputError, NotFound
from evol_core.recipe.sft import TrainConfig
from evol_core.records import Instruction
from evol_core.sft.chat import Chat, Tokenizer, chat

IGNORE = -100
"""The label of a token that no loss is taken of."""

NO_RESPONSE = "no_response"
TOO_LONG = "too_long"
PROMPT_TOO_LONG = "prompt_too_long"
"""The prompt alone fills max_tokens: cut, it would have no answer left."""


def _field(name: str, kind: "pa.DataType") -> "pa.Field[Any]":
    return pa.field(name, kind, nullable=False)


SAMPLES = pa.schema(
    [
        _field("rows", pa.list_(pa.int64())),
        _field("input_ids", pa.list_(pa.int32())),
        _field("labels", pa.list_(pa.int32())),
        _field("position_ids", pa.list_(pa.int32())),
    ]
)
"""`rows` are numbers of the version's rows, from 0; `position_ids` begin anew with each of them."""

PAIRS = pa.schema(
    [
        _field("rows", pa.list_(pa.int64())),
        _field("prompt", pa.string()),
        _field("chosen", pa.string()),
        _field("rejected", pa.string()),
    ]
)

Row = Mapping[str, Any]


@dataclass
class Tally:
    """What became of a version's rows."""

    rows: int = 0
    """Read."""

    used: int = 0
    cut: int = 0
    """Of the used: those whose answer lost its end."""

    left_out: Counter[str] = field(default_factory=Counter)
    """By reason."""

    first_long: list[int] = field(default_factory=list)
    """Numbers of the first rows over the limit."""

    def check(self, config: TrainConfig, spec: str) -> None:
        """
        Raises:
            InputError: there are rows over the limit, and the recipe refuses them.
            NotFound: there is nothing to train on.
        """
        n_long = self.cut + self.left_out[TOO_LONG] + self.left_out[PROMPT_TOO_LONG]
        if n_long and config.too_long == "refuse":
            raise InputError(
                f"{n_long} of {self.rows} rows of {spec} are longer than train.max_tokens = {config.max_tokens} "
                f"(the first: rows {self.first_long}); raise it, or set train.too_long to cut or drop"
            )
        if not self.used:
            raise NotFound(
                f"{spec} has no row to train on: {self.rows} rows, left out: {dict(self.left_out) or 'none'}; "
                "train on a version with responses, or raise train.max_tokens"
            )


def sft_samples(
    rows: Iterable[Row], tokenizer: Tokenizer, config: TrainConfig, tally: Tally
) -> Iterator[dict[str, Any]]:
    """SAMPLES rows, one a row of the version, or packed; `tally` says what became of all rows."""
    chats = _answered(rows, tokenizer, config, tally)
    return _packed(chats, config.max_tokens) if config.packing else (_sample([item]) for item in chats)


def _answered(
    rows: Iterable[Row], tokenizer: Tokenizer, config: TrainConfig, tally: Tally
) -> Iterator[tuple[int, Chat]]:
    for number, row in enumerate(rows):
        tally.rows += 1
        if not row["output"]:
            tally.left_out[NO_RESPONSE] += 1
            continue
        said = _limited(number, chat(tokenizer, question(row), row["output"]), config, tally)
        if said is not None:
            tally.used += 1
            yield number, said


def question(row: Row) -> str:
    """Q: the instruction and its input."""
    return Instruction(text=row["instruction"], input=row["input"]).prompt


def _limited(number: int, said: Chat, config: TrainConfig, tally: Tally) -> Chat | None:
    """The chat within the limit; None where it is left out."""
    room = config.max_tokens - len(said.prompt)
    if len(said.answer) <= room:
        return said
    if len(tally.first_long) < 5:
        tally.first_long.append(number)
    if config.too_long == "cut" and room > 0:
        tally.cut += 1
        return Chat(said.prompt, said.answer[:room])
    tally.left_out[TOO_LONG if room > 0 else PROMPT_TOO_LONG] += 1
    return None


def _packed(chats: Iterable[tuple[int, Chat]], max_tokens: int) -> Iterator[dict[str, Any]]:
    """Each chat goes into the open sample while there is room, in the order of the rows."""
    held: list[tuple[int, Chat]] = []
    n_tokens = 0
    for number, said in chats:
        more = len(said.prompt) + len(said.answer)
        if held and n_tokens + more > max_tokens:
            yield _sample(held)
            held, n_tokens = [], 0
        held.append((number, said))
        n_tokens += more
    if held:
        yield _sample(held)


def _sample(chats: list[tuple[int, Chat]]) -> dict[str, Any]:
    sample: dict[str, list[int]] = {"rows": [], "input_ids": [], "labels": [], "position_ids": []}
    for number, said in chats:
        sample["rows"].append(number)
        sample["input_ids"] += [*said.prompt, *said.answer]
        sample["labels"] += [*[IGNORE] * len(said.prompt), *said.answer]
        sample["position_ids"] += range(len(said.prompt) + len(said.answer))
    return sample


def dpo_pairs(rows: Iterable[Row], tokenizer: Tokenizer, config: TrainConfig, tally: Tally) -> Iterator[dict[str, Any]]:
    """PAIRS rows. A pair is as long as its longer side; what is cut, the trainer cuts."""
    for number, row in enumerate(rows):
        tally.rows += 1
        if not row["chosen"] or not row["rejected"]:
            tally.left_out[NO_RESPONSE] += 1
            continue
        asked = question(row)
        longer = max((chat(tokenizer, asked, row[side]) for side in ("chosen", "rejected")), key=_length)
        if _limited(number, longer, config, tally) is not None:
            tally.used += 1
            yield {"rows": [number], "prompt": asked, "chosen": row["chosen"], "rejected": row["rejected"]}


def _length(said: Chat) -> int:
    return len(said.prompt) + len(said.answer)
