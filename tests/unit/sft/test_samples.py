from collections import Counter
from typing import Any

import pytest

from evol_core.errors import InputError, ModelError, NotFound
from evol_core.recipe import TrainConfig
from evol_core.sft.chat import chat, check_chat_template
from evol_core.sft.samples import IGNORE, Tally, dpo_pairs, sft_samples
from tests.unit.sft.words import Words

PROMPT_TOKENS = len(["<s>", "<user>", "Go", "<end>", "<assistant>"])


def row(answer: str | None, instruction: str = "Go", input: str = "") -> dict[str, Any]:
    return {"instruction": instruction, "input": input, "output": answer}


def samples(rows: list[dict[str, Any]], **config: Any) -> tuple[list[dict[str, Any]], Tally, Words]:
    words, tally = Words(), Tally()
    return list(sft_samples(rows, words, TrainConfig(**config), tally)), tally, words


def test_only_the_answer_and_its_end_are_learned() -> None:
    ((sample,), _, words) = samples([row("one two", input="now")])

    learned = [token for token in sample["labels"] if token != IGNORE]
    assert words.text(learned) == "one two <end>"
    assert words.text(sample["input_ids"]) == "<s> <user> Go now <end> <assistant> one two <end>"
    assert sample["labels"][-len(learned) :] == sample["input_ids"][-len(learned) :]


def test_a_template_without_an_end_gets_one() -> None:
    words = Words()
    words.apply_chat_template = lambda messages, **_: "> " + " ".join(m["content"] for m in messages[1:])  # type: ignore[method-assign]

    assert words.text(chat(words, "Go", "one").answer) == "one<end>"


def test_a_template_that_writes_an_answered_chat_otherwise_is_refused() -> None:
    words = Words()
    words.apply_chat_template = lambda messages, **_: f"{len(messages)}"  # type: ignore[method-assign]

    with pytest.raises(ModelError, match=r"template of 'words' writes an answered chat otherwise"):
        chat(words, "Go", "one")


def test_a_tokenizer_without_a_chat_template_is_refused() -> None:
    words = Words()
    words.chat_template = None

    with pytest.raises(ModelError, match=r"model 'base' has no chat template.*chat_template.jinja"):
        check_chat_template(words, "base")


def test_rows_in_are_rows_used_and_rows_left_out() -> None:
    rows = [row("short"), row(None), row(""), row("word " * 30), row("yes", instruction="word " * 30)]

    _, tally, _ = samples(rows, max_tokens=16, too_long="drop")

    assert (tally.rows, tally.used, tally.cut) == (5, 1, 0)
    assert tally.left_out == Counter(no_response=2, too_long=1, prompt_too_long=1)


def test_a_long_answer_is_cut_at_the_limit_and_counted() -> None:
    ((sample,), tally, words) = samples([row("word " * 30)], max_tokens=16)

    assert len(sample["input_ids"]) == 16
    assert words.text(sample["input_ids"][PROMPT_TOKENS:]) == " ".join(["word"] * (16 - PROMPT_TOKENS))
    assert (tally.used, tally.cut) == (1, 1)


def test_long_rows_are_refused_by_number_where_the_recipe_says_so() -> None:
    config = TrainConfig(max_tokens=16, too_long="refuse")
    _, tally, _ = samples([row("short"), row("word " * 30)], max_tokens=16, too_long="refuse")

    with pytest.raises(InputError, match=r"1 of 2 rows of demo@1 .*max_tokens = 16 \(the first: rows \[1\]\)"):
        tally.check(config, "demo@1")


def test_a_version_with_nothing_to_learn_is_refused_with_the_reasons() -> None:
    _, tally, _ = samples([row(None), row("")])

    with pytest.raises(NotFound, match=r"demo@1 has no row to train on: 2 rows, left out: {'no_response': 2}"):
        tally.check(TrainConfig(), "demo@1")


def test_packed_rows_keep_their_own_positions_and_none_is_lost() -> None:
    rows = [row("one 1"), row("two three 3"), row("four")]
    length = PROMPT_TOKENS + 3

    found, tally, _ = samples(rows, max_tokens=2 * length + 1, packing=True)

    assert [sample["rows"] for sample in found] == [[0, 1], [2]]
    assert found[0]["position_ids"] == [*range(length), *range(length + 1)]
    assert tally.used == 3


def test_packing_wants_one_sample_at_a_time() -> None:
    with pytest.raises(ValueError, match="set micro_batch to 1"):
        TrainConfig(packing=True, micro_batch=2)


def test_a_preference_pair_is_as_long_as_its_longer_side() -> None:
    rows = [
        {"instruction": "Go", "input": "", "chosen": "yes", "rejected": "no"},
        {"instruction": "Go", "input": "", "chosen": "yes", "rejected": "no " * 30},
        {"instruction": "Go", "input": "", "chosen": "yes", "rejected": ""},
    ]
    tally = Tally()

    (pair,) = dpo_pairs(rows, Words(), TrainConfig(method="dpo", max_tokens=16, too_long="drop"), tally)

    assert pair == {"rows": [0], "prompt": "Go", "chosen": "yes", "rejected": "no"}
    assert tally.left_out == Counter(too_long=1, no_response=1)
