"""A tokenizer of words: a token a word, with a chat template of two marks."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any


class Words:
    chat_template: str | None = "marks"
    name_or_path = "words"
    eos_token = "<end>"

    def __init__(self) -> None:
        self.vocabulary: list[str] = []

    def __call__(self, text: str, *, add_special_tokens: bool) -> Any:
        assert not add_special_tokens, "the template has brought the special tokens"
        return SimpleNamespace(input_ids=[self._id(word) for word in text.split()])

    def apply_chat_template(
        self, messages: Sequence[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool = False
    ) -> str:
        said = "".join(f"<{message['role']}> {message['content']} <end> \n" for message in messages)
        return "<s> " + said + ("<assistant> " if add_generation_prompt else "")

    def text(self, ids: Sequence[int]) -> str:
        return " ".join(self.vocabulary[number] for number in ids)

    def _id(self, word: str) -> int:
        if word not in self.vocabulary:
            self.vocabulary.append(word)
        return self.vocabulary.index(word)
