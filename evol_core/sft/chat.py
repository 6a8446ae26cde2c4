"""One chat as token ids: what the model reads, and what it shall learn to write.

The tokenizer's own chat template makes the text; it brings the beginning-of-sequence token where the model wants
one, so none is added here.
"""

from typing import Any, NamedTuple

from evol_core.errors import ModelError

Tokenizer = Any
"""A Hugging Face tokenizer."""


class Chat(NamedTuple):
    prompt: tuple[int, ...]
    """Up to where the assistant begins."""

    answer: tuple[int, ...]
    """With the token that ends it."""


def check_chat_template(tokenizer: Tokenizer, name: str) -> None:
    """
    Raises:
        ModelError: the tokenizer has no chat template.
    """
    if not tokenizer.chat_template:
        raise ModelError(
            f"the tokenizer of model {name!r} has no chat template, so nobody knows how a chat is written for it; "
            "put a chat_template.jinja into its folder, or train a model that brings one"
        )


def chat(tokenizer: Tokenizer, question: str, answer: str) -> Chat:
    """
    Raises:
        ModelError: the template writes an answered chat otherwise than it begins one.
    """
    asked = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": answer}], tokenize=False)
    if not whole.startswith(prompt):
        raise ModelError(
            f"the chat template of {tokenizer.name_or_path!r} writes an answered chat otherwise than it begins one, so "
            "the answer's tokens cannot be told apart; mend its chat_template.jinja"
        )
    said = _ended(whole[len(prompt) :], tokenizer.eos_token or "")
    return Chat(_ids(tokenizer, prompt), _ids(tokenizer, said))


def _ended(said: str, end: str) -> str:
    """Up to the token that ends the answer, which is added where the template brings none."""
    head, found, _ = said.rpartition(end) if end else (said, "", "")
    return head + end if found else said + end


def _ids(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False).input_ids)
