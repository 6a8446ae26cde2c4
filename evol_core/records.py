"""The records that stages exchange. Frozen; what could not be computed is None, with a reason beside it.

Identity comes from content: the same text has the same id on every machine, in every run.
"""

import hashlib
import json
import unicodedata
import uuid
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Literal, NewType

InstructionId = NewType("InstructionId", str)
"""A UUID in its canonical text form, made from an instruction and its input."""

ResponseId = NewType("ResponseId", str)
"""A UUID in its canonical text form, made from an instruction, its input and one response."""

RequestHash = NewType("RequestHash", str)
"""SHA-256, 64 hex digits, of everything that decides what a model is asked."""

UNIT_SEPARATOR = "\x1f"


def content_id(*texts: str) -> str:
    """The first 16 bytes of SHA-256 over the NFC texts joined by U+001F, as a UUID's text."""
    joined = unicodedata.normalize("NFC", UNIT_SEPARATOR.join(texts))
    return str(uuid.UUID(bytes=hashlib.sha256(joined.encode("utf-8", "surrogatepass")).digest()[:16]))


def canonical_json(value: object) -> str:
    """One text for one value: sorted keys, no blanks, no escapes beyond JSON's own."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(value: object) -> str:
    """SHA-256, 64 hex digits, of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """A task for a model, with the input that it speaks of, if any."""

    text: str
    input: str = ""

    @cached_property
    def id(self) -> InstructionId:
        return InstructionId(content_id(self.text, self.input))

    @property
    def prompt(self) -> str:
        """The instruction and, where there is one, its input on the next line (Q of the metrics)."""
        return f"{self.text}\n{self.input}" if self.input else self.text


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An instruction and one response to it: what metrics score and a trainer learns."""

    instruction: Instruction
    response: str
    evolving_prompt: str = ""
    """What the evolver was asked when it wrote the instruction; empty where nobody knows. No part of the id."""

    @cached_property
    def id(self) -> ResponseId:
        return ResponseId(content_id(self.instruction.text, self.instruction.input, self.response))


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A clean instruction that a build starts from."""

    ordinal: int
    """Its number in the seed version, from 0; fixed when the version is made, never reused."""

    instruction: Instruction
    output: str | None
    """The source's own answer, where it has one."""

    source: str
    licence: str
    line: int
    """The line of the source file (from 1), or the item's number in a file that has no lines."""


class Status(StrEnum):
    """What became of one row. Rows in = accepted + rejected + failed, always."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """Refused by a rule; the reason names it."""
    FAILED = "failed"
    """Could not be processed; the reason names the error."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the acceptance rules say of one row."""

    status: Status
    reason: str = ""
    """A rule's or an error's name, snake_case; empty where accepted."""


ACCEPTED = Verdict(status=Status.ACCEPTED)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A source row that is no seed, and why. It is kept beside the seeds."""

    status: Status
    reason: str
    source: str
    line: int
    text: str
    """What stood there, cut to 2,000 characters."""


@dataclass(frozen=True, kw_only=True)
class Evolved:
    """One row's journey through one round: the attempt to evolve a parent, and what became of it."""

    ordinal: int
    """Of the seed; with `round` the key of this row."""

    round: int
    """From 0."""

    seed_id: InstructionId
    parent: Instruction
    operator: str
    child: Instruction | None
    """None where the model's reply holds no instruction."""

    response: str | None
    """The answer to the child; None where the child was refused before anybody answered it."""

    verdict: Verdict
    evolve_hash: RequestHash
    respond_hash: RequestHash | None


@dataclass(frozen=True, kw_only=True)
class Score:
    """One metric's word on one instruction or one pair."""

    subject_id: str
    """The InstructionId or ResponseId that was scored; the metric says which."""

    metric: str
    value: float | None
    """None where the metric could not be computed; never 0.0 or NaN for that."""

    reason: str = ""
    """Why value is None."""

    label: str = ""
    """The word behind the number, where the metric has words (difficulty_level)."""

    scorer: str = ""
    """The name of the model that scored; empty for arithmetic on the text alone."""

    revision: str = ""
    """Hash of all that decides the score beside the text: weights, tokenizer, prompt, decoding, form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """Which weights and which tokenizer: a model's identity, wherever its folder lies."""

    name: str
    revision: str
    """SHA-256 over the weight files."""

    tokenizer: str
    """SHA-256 over the tokenizer's files, the chat template among them."""

    context: int = 0
    """Tokens of prompt and reply together that the engine takes; 0 where no recipe has set it. It decides where a
    reply is cut and which prompt is too long, but no loss, whose request has a limit of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Mean token losses of a pair under a scorer, nats a token, natural logarithm."""

    question: float | None
    """L(Q)."""

    given: float | None
    """L(A|Q)."""

    alone: float | None
    """L(A)."""

    n_question: int
    """Tokens behind `question`."""

    n_answer: int
    """Tokens behind `given`."""

    n_alone: int
    """Tokens behind `alone`."""

    reason: str = ""
    """Why one of the three is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a model says of a text without writing any: one of the three, by the kind of the request."""

    reward: float | None = None
    """In the reward model's own unit."""

    top1: tuple[float, ...] = ()
    """A probability a token of the response: of the likeliest token there, before temperature; float32."""

    entropy: tuple[float, ...] = ()
    """Beside `top1`, nats: - sum of p ln p over the 20 likeliest tokens, p not made to add up to 1; float32."""

    vector: bytes = b""
    """Of length 1; float32, little-endian."""

    reason: str = ""
    """Why there is none of them."""


FinishReason = Literal["stop", "length", "error", "scored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One model output: a reply to a GenerateRequest, or what was measured for a request of another kind."""

    request_hash: RequestHash
    text: str = ""
    finish_reason: FinishReason
    """`length`: cut at max_tokens. `error`: this request cannot be served (see `error`). `scored`: measured."""

    n_prompt_tokens: int = 0
    n_tokens: int = 0
    logprob_sum: float | None = None
    """Sum of the drawn tokens' log-probabilities before temperature, nats."""

    losses: Losses | None = None
    measured: Measured | None = None
    error: str = ""
    """What this request can never get past, for example a prompt longer than the context."""

    engine: str
    """Which engine answered, with its version."""

    seconds: float = 0.0
    """From its submission to its end; of a batch's members these overlap."""
