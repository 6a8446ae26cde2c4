"""A pair as token ids, and whose each token is: the question's, the answer's, or nobody's.

The boundary is found by character offsets in the tokenisation of the whole text, not by counting tokens of the
question alone. The joining newline is nobody's, and so is a token that spans a boundary. Source: methods 5.2.
"""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from evol_core.errors import ModelError


class Side(IntEnum):
    """Whose a token is."""

    NOBODY = 0
    QUESTION = 1
    ANSWER = 2


NOBODY, QUESTION, ANSWER = Side

DATE = "1 January 2026"
"""For chat templates that write today's date: a loss must not depend on the day it is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text in token ids."""

    ids: list[int]
    sides: list[Side]
    """One a token. The first token has no predecessor, so it is nobody's whatever it says."""

    def count(self, side: Side) -> int:
        return self.sides.count(side)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPair:
    """What a scorer reads of one pair."""

    full: Text
    alone: Text


class PairEncoder:
    """Turns pairs into tokens, in plain form or in the form of the tokenizer's chat template."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            ModelError: there is no tokenizer, or it cannot say where in a text its tokens lie.
        """
        try:
            self._auto = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder} holds no tokenizer that can be loaded: {error}") from None
        backend = getattr(self._auto, "backend_tokenizer", None)
        if backend is None:
            raise ModelError(
                f"the tokenizer in {folder} is not a fast one, so it cannot say where in a text its tokens lie; "
                "save it with a tokenizer.json"
            )
        backend.no_truncation()
        backend.no_padding()
        self._tokenizer = backend
        self._chat: ChatFrame | None = None

    def plain(self, question: str, answer: str) -> EncodedPair:
        """Question, newline, answer; the tokenizer's own special tokens around it, BOS where it adds one."""
        begins = len(question) + 1
        encoding = self._tokenizer.encode(f"{question}\n{answer}")
        spans = ((0, len(question), QUESTION), (begins, begins + len(answer), ANSWER))
        return EncodedPair(full=_text(encoding, spans), alone=self.alone(answer))

    def chat(self, question: str, answer: str) -> EncodedPair | None:
        """A user's turn and an assistant's; None where the chat template changes what they say.

        Raises:
            ModelError: the tokenizer has no chat template.
        """
        if self._chat is None:
            self._chat = chat_frame(self._auto)
        framed = self._chat.frame(question, answer)
        if framed.text != render(self._auto, question, answer):
            return None
        encoding = self._tokenizer.encode(framed.text, add_special_tokens=False)
        return EncodedPair(full=_text(encoding, framed.spans), alone=self.alone(answer))

    def alone(self, answer: str) -> Text:
        """The answer without its instruction, in both forms: special tokens as in plain form, no template."""
        return _text(self._tokenizer.encode(answer), ((0, len(answer), ANSWER),))


Span = tuple[int, int, Side]
"""First character, the one after the last, and whose they are."""


def _text(encoding: Any, spans: tuple[Span, ...]) -> Text:
    sides = [
        NOBODY if special else _side(begin, end, spans)
        for (begin, end), special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
    ]
    return Text(ids=encoding.ids, sides=[NOBODY for _ in sides[:1]] + sides[1:])


def _side(begin: int, end: int, spans: tuple[Span, ...]) -> Side:
    """Whose span holds all of a token's characters."""
    for first, after, side in spans:
        if first <= begin and end <= after and first < after:
            return side
    return NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """A chat as text, and where in it question and answer stand."""

    text: str
    spans: tuple[Span, Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFrame:
    """What a chat template writes before, between and behind a question and an answer."""

    before: str
    between: str
    behind: str
    strips: bool
    """The template cuts blanks off both ends of what is said."""

    def frame(self, question: str, answer: str) -> Framed:
        if self.strips:
            question, answer = question.strip(), answer.strip()
        begins = len(self.before)
        answered = begins + len(question) + len(self.between)
        return Framed(
            text=f"{self.before}{question}{self.between}{answer}{self.behind}",
            spans=((begins, begins + len(question), QUESTION), (answered, answered + len(answer), ANSWER)),
        )


def chat_frame(tokenizer: Any) -> ChatFrame:
    """A tokenizer's chat template, taken apart by a chat whose words are known.

    Raises:
        ModelError: there is no template, or it does not show what both sides say.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError("this tokenizer has no chat template; score with form: plain, or save a template with it")
    said = "evolquestionmark", "evolanswermark"
    padded = tuple(f" {word} " for word in said)
    text = render(tokenizer, *said)
    parts = [text.partition(said[0])[0], *text.partition(said[0])[2].partition(said[1])]
    if said[0] not in text or said[1] not in text.partition(said[0])[2]:
        raise ModelError("this tokenizer's chat template does not show a question before its answer; use form: plain")
    strips = render(tokenizer, *padded) == text
    return ChatFrame(before=parts[0], between=parts[1], behind=parts[3], strips=strips)


def render(tokenizer: Any, question: str, answer: str) -> str:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, date_string=DATE))
