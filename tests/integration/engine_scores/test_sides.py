"""Whose each token is: read off by hand."""

from pathlib import Path

import pytest

from evol_core.errors import ModelError
from evol_core.score.models.sides import PairEncoder, Side, Text
from tests.integration.engine_scores.conftest import Tiny

pytestmark = pytest.mark.engine


def sides(text: Text) -> str:
    return "".join({Side.NOBODY: ".", Side.QUESTION: "q", Side.ANSWER: "a"}[side] for side in text.sides)


@pytest.mark.parametrize(
    ("kind", "question", "answer", "full", "alone"),
    [
        ("bos", "hi?", "yes", ".qqq.aaa", ".aaa"),
        ("no_bos", "hi?", "yes", ".qq.aaa", ".aa"),
        ("bos_eos", "hi?", "yes", ".qqq.aaa.", ".aaa."),
        ("bos", "", "yes", "..aaa", ".aaa"),
        ("bos", "hi", "", ".qq.", "."),
        ("no_bos", "", "", ".", ""),
        ("bos", "a\nb", "c\nd", ".qqq.aaa", ".aaa"),
        ("bos", "é", "ß", ".qq.aa", ".aa"),
        ("bos", "x\n", "y", ".qq.a", ".a"),
        ("merges", "so?", "but", ".qq.aaa", ".aaa"),  # ? and newline are one token
        ("merges", "so", "but", ".qq.aa", ".aaa"),  # newline and b are one token, which takes b from the answer
        ("merges", "so", "\nbut", ".qq.aaa", ".aaa"),  # two newlines are one token
        ("merges", "the", " a the", ".q.aaa", ".aaa"),
        ("trims", "so?", "but", ".q.aaa", ".aa"),
        ("trims", "so", "but", ".q.aa", ".aa"),
        ("trims", "the", " a the", "..aaa", ".aa"),
    ],
)
def test_each_token_belongs_to_the_side_that_holds_all_of_it(
    tiny: Tiny, kind: str, question: str, answer: str, full: str, alone: str
) -> None:
    pair = PairEncoder(tiny("llama", kind)).plain(question, answer)

    assert (sides(pair.full), sides(pair.alone)) == (full, alone)


def test_chat_form_scores_what_was_said_and_not_the_template(tiny: Tiny) -> None:
    pair = PairEncoder(tiny("llama", "bos")).chat("hi?", "yes")

    assert pair is not None
    assert sides(pair.full) == "." + "." * len("[user] ") + "qqq" + "." * len("/\n[assistant] ") + "aaa" + ".."
    assert pair.full.ids.count(0) == 1, "the template writes its own BOS; a second one would follow it"
    assert sides(pair.alone) == ".aaa"


def test_a_template_that_cuts_blanks_is_followed(tiny: Tiny) -> None:
    encoder = PairEncoder(tiny("llama", "chat_strips"))

    padded, bare = encoder.chat("  hi? \n", "\tyes "), encoder.chat("hi?", "yes")

    assert padded is not None
    assert bare is not None
    assert (padded.full.ids, padded.full.sides) == (bare.full.ids, bare.full.sides)


def test_a_template_that_rewrites_what_was_said_is_seen(tiny: Tiny) -> None:
    encoder = PairEncoder(tiny("llama", "chat_rewrites"))

    assert encoder.chat("a secret", "yes") is None
    assert encoder.chat("a word", "yes") is not None


def test_a_tokenizer_without_a_chat_template_says_what_to_do(tiny: Tiny) -> None:
    with pytest.raises(ModelError, match="has no chat template; score with form: plain"):
        PairEncoder(tiny("llama", "no_bos")).chat("hi", "yes")


def test_a_pair_may_say_what_the_templates_own_marks_say(tiny: Tiny) -> None:
    pair = PairEncoder(tiny("llama", "bos")).plain("<s>", "</s>")

    assert sides(pair.full) == ".q.a"


def test_no_tokenizer_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no tokenizer that can be loaded"):
        PairEncoder(tmp_path)
