"""What models are asked: one class a kind of question, each with the hash that its answer is recorded under."""

from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property, lru_cache
from typing import Any, ClassVar, Literal, NamedTuple

from evol_core.records import ModelRef, RequestHash, content_hash


class Message(NamedTuple):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How tokens are drawn. Part of every request's hash."""

    temperature: float = 0.7
    """0 is greedy."""

    top_p: float = 0.95
    max_tokens: int = 2048
    json_schema: str = ""
    """Structured output: the schema as canonical JSON text; empty for free text."""


Kind = Literal["generate", "loss", "reward", "confidence", "embed"]
"""What is asked of a model. An engine answers one kind."""


@dataclass(frozen=True, kw_only=True)
class GenerateRequest:
    """A chat that a model shall continue by one reply."""

    kind: ClassVar[Kind] = "generate"

    model: ModelRef
    messages: tuple[Message, ...]
    decoding: Decoding
    sample: int = 0
    """Which of several samples of the same prompt."""

    seed: int
    """Of this request alone, from `request_seed`: independent of batch, shard and order."""

    @cached_property
    def hash(self) -> RequestHash:
        return request_hash(self)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model reads, in order."""
        return tuple(message.content for message in self.messages)


EXACT = "float32"
"""The dtype in which is measured unless a recipe says another; it is no part of a request's hash."""


@dataclass(frozen=True, kw_only=True)
class LossRequest:
    """A pair whose token losses a scorer shall measure (methods 5, items 1 and 2)."""

    kind: ClassVar[Kind] = "loss"

    model: ModelRef
    instruction: str
    """Q: the instruction and its input."""

    response: str
    """A."""

    form: Literal["plain", "chat"] = "plain"
    max_tokens: int = 2048
    """A longer text is not scored, and the reason says so."""

    dtype: str = EXACT
    """Of the scorer's weights and arithmetic; `auto` is that of the weights as they lie in the folder."""

    @cached_property
    def hash(self) -> RequestHash:
        return request_hash(self)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model reads, in order."""
        return (self.instruction, self.response)


@dataclass(frozen=True, kw_only=True)
class RewardRequest:
    """One turn of each side; a reward model shall say how much it likes the assistant's (methods 5, item 6)."""

    kind: ClassVar[Kind] = "reward"

    model: ModelRef
    user: str
    assistant: str
    dtype: str = EXACT
    """Of the model's weights and arithmetic; `auto` is that of the weights as they lie in the folder."""

    @cached_property
    def hash(self) -> RequestHash:
        return request_hash(self)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model reads, in order."""
        return (self.user, self.assistant)


@dataclass(frozen=True, kw_only=True)
class ConfidenceRequest:
    """A response that a model shall go through token by token, saying how sure it was of each (methods 5, item 7)."""

    kind: ClassVar[Kind] = "confidence"

    model: ModelRef
    user: str
    """What was asked, as one user turn."""

    response: str
    max_tokens: int = 2048
    """A longer chat is not measured, and the reason says so."""

    dtype: str = EXACT
    """As of a RewardRequest."""

    @cached_property
    def hash(self) -> RequestHash:
        return request_hash(self)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model reads, in order."""
        return (self.user, self.response)


@dataclass(frozen=True, kw_only=True)
class EmbedRequest:
    """A text that an embedding model shall turn into a vector (methods 5, item 8)."""

    kind: ClassVar[Kind] = "embed"

    model: ModelRef
    text: str
    dtype: str = EXACT
    """As of a RewardRequest; the vector is float32 in any case."""

    @cached_property
    def hash(self) -> RequestHash:
        return request_hash(self)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model reads, in order."""
        return (self.text,)


Request = GenerateRequest | LossRequest | RewardRequest | ConfidenceRequest | EmbedRequest


def request_hash(request: Request) -> RequestHash:
    """Of the kind and of every field that decides the answer."""
    said = {name: getattr(request, name) for name in _field_names(request.kind)}
    model = _fields(request.model)
    if request.kind != "generate":
        model = {name: value for name, value in model.items() if name != "context"}
    if isinstance(request, GenerateRequest):
        said["decoding"] = _fields(request.decoding)
    if said.get("dtype") == EXACT:
        del said["dtype"]
    return RequestHash(content_hash({"kind": request.kind, **said, "model": model}))


@cache
def _field_names(kind: Kind) -> tuple[str, ...]:
    requests = (GenerateRequest, LossRequest, RewardRequest, ConfidenceRequest, EmbedRequest)
    return next(tuple(field.name for field in fields(one)) for one in requests if one.kind == kind)


@lru_cache(maxsize=256)
def _fields(part: ModelRef | Decoding) -> dict[str, Any]:
    """As `asdict`, which takes longer than all else in a request's hash."""
    return asdict(part)


def request_seed(recipe_seed: int, row_id: str, operator: str, round: int, sample: int) -> int:
    """A request's own random seed, in [0, 2**63)."""
    return int(content_hash([recipe_seed, row_id, operator, round, sample])[:16], 16) >> 1
