"""Losses are those of a plain, slow implementation, whatever the batch, the order and the pass they went through."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evol_core.errors import ModelError
from evol_core.llm.model_folder import describe
from evol_core.records import Losses, ModelRef
from evol_core.requests import Decoding, GenerateRequest, LossRequest, Message
from evol_core.score.metrics.ifd import ifd
from evol_core.score.models.forward import batches
from evol_core.score.models.losses import LossScorer
from tests.integration.engine_scores.conftest import Tiny
from tests.integration.engine_scores.slow import SlowScorer
from tests.integration.engine_scores.tiny import CONTEXT, MODELS, PACKED

pytestmark = pytest.mark.engine

EQUAL = 3e-5
"""Nats: how far two ways to a loss may be apart in float32."""

PAIRS = [
    ("What is the sum of the first three odd numbers?", "1 + 3 + 5 = 9, so the sum is 9."),
    ("hi", "the theatre, a the"),
    ("Name a colour.\nred or blue", "blue\n\nand then\na lot more of the same: " + "blue the " * 20),
    ("\N{SNOWMAN} é?", "\N{SNOWMAN}\N{SNOWMAN}"),
    ("", "an answer to nothing"),
    ("a question without an answer", ""),
    ("a\0b", "c\0d"),
    ("?", "b"),
]

TEXTS = st.text(alphabet="the ?\nb\N{SNOWMAN}\0", max_size=40)


def request(model: ModelRef, question: str, answer: str, **changes: object) -> LossRequest:
    return LossRequest(model=model, instruction=question, response=answer, **changes)  # type: ignore[arg-type]


def measured(scorer: LossScorer, requests: list[LossRequest]) -> list[Losses]:
    scorer.submit(requests)
    found = {}
    while answers := scorer.collect():
        for answer in answers:
            assert answer.finish_reason == "scored"
            found[answer.request_hash] = answer.losses
    losses = [found[one.hash] for one in requests]
    assert None not in losses
    return [one for one in losses if one]


def values(losses: Losses) -> tuple[float | None, ...]:
    return losses.question, losses.given, losses.alone


def assert_equal(found: Losses, expected: Losses) -> None:
    assert (found.n_question, found.n_answer, found.n_alone) == (
        expected.n_question,
        expected.n_answer,
        expected.n_alone,
    )
    for one, other in zip(values(found), values(expected), strict=True):
        assert one == (None if other is None else pytest.approx(other, abs=EQUAL, rel=0))


@pytest.mark.parametrize("tokenizer", ["bos", "no_bos", "merges"])
@pytest.mark.parametrize("build", MODELS)
@pytest.mark.parametrize("packed", [True, False])
def test_every_build_has_the_losses_of_the_slow_scorer(tiny: Tiny, build: str, tokenizer: str, packed: bool) -> None:
    folder = tiny(build, tokenizer)
    model, slow = describe(folder), SlowScorer(folder)
    scorer = LossScorer(folder, model, packed=packed, batch_tokens=4096, device="cpu")

    found = measured(scorer, [request(model, *pair) for pair in PAIRS])

    assert (" packed " in scorer.name) == (packed and build in PACKED)
    for pair, losses in zip(PAIRS, found, strict=True):
        assert_equal(losses, slow.losses(*pair))


CHATS = [("What is the theatre?", "the blue one, and\nno more"), ("hi?", "yes"), ("Name 2\nrivers", "Po, Rhine. " * 9)]


@pytest.mark.parametrize("build", ["llama", "gpt2"])
def test_the_chat_form_has_the_losses_of_the_slow_scorer(tiny: Tiny, build: str) -> None:
    folder = tiny(build, "bos")
    model, slow = describe(folder), SlowScorer(folder)

    found = measured(LossScorer(folder, model, device="cpu"), [request(model, *pair, form="chat") for pair in CHATS])

    for pair, losses in zip(CHATS, found, strict=True):
        assert_equal(losses, slow.chat_losses(*pair))


@pytest.mark.slow
@pytest.mark.parametrize(("form", "pairs"), [("plain", PAIRS[:4]), ("chat", CHATS[:1])])
def test_a_real_model_has_the_losses_of_the_slow_scorer(
    smollm2: tuple[LossScorer, ModelRef], model_folder: Path, form: str, pairs: list[tuple[str, str]]
) -> None:
    scorer, model = smollm2
    slow = SlowScorer(model_folder)
    read = slow.chat_losses if form == "chat" else slow.losses

    found = measured(scorer, [request(model, *pair, form=form) for pair in pairs])

    assert " packed " in scorer.name
    for pair, losses in zip(pairs, found, strict=True):
        expected = read(*pair)
        assert_equal(losses, expected)
        ratio = ifd(expected.given, expected.alone)
        assert ifd(losses.given, losses.alone) == (ratio and pytest.approx(ratio, abs=1e-5, rel=0))


@pytest.mark.slow
def test_a_real_model_gives_a_pair_the_same_losses_alone_and_in_company(smollm2: tuple[LossScorer, ModelRef]) -> None:
    scorer, model = smollm2
    requests = [request(model, *pair) for pair in PAIRS]

    together = measured(scorer, requests)

    for one, losses in zip(requests, together, strict=True):
        assert_equal(measured(scorer, [one])[0], losses)


@pytest.mark.parametrize("packed", [True, False])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8, unique=True),
    batch_tokens=st.integers(1, 400),
    order=st.randoms(use_true_random=False),
)
def test_neither_padding_nor_batch_nor_order_changes_a_loss(
    tiny: Tiny, packed: bool, pairs: list[tuple[str, str]], batch_tokens: int, order: object
) -> None:
    folder = tiny("llama", "merges")
    model = describe(folder)
    alone = LossScorer(folder, model, packed=packed, batch_tokens=1, device="cpu")
    together = LossScorer(folder, model, packed=packed, batch_tokens=batch_tokens, device="cpu")
    requests = [request(model, *pair) for pair in pairs]
    shuffled = list(requests)
    order.shuffle(shuffled)  # type: ignore[attr-defined]

    by_request = dict(zip(shuffled, measured(together, shuffled), strict=True))

    for one in requests:
        (expected,) = measured(alone, [one])
        assert_equal(by_request[one], expected)
        assert by_request[one].reason == expected.reason


@pytest.mark.parametrize(
    ("question", "answer", "missing", "reason"),
    [
        ("hi", "", ("given", "alone"), "empty_answer"),
        ("", "", ("question", "given", "alone"), "empty_answer"),
        ("hi", "y", ("alone",), "one_token_text"),
        ("h", "yes", ("question",), "one_token_text"),
        ("", "yes", ("question",), "empty_instruction"),
        ("hi", "\ud800", ("question", "given", "alone"), "not_unicode"),
        ("hi", "y" * 100, ("question", "given", "alone"), "over_max_tokens"),
        ("hi" * 500_000, "yes", ("question", "given", "alone"), "over_max_tokens"),
    ],
)
def test_what_cannot_be_measured_is_none_with_a_reason(
    tiny: Tiny, question: str, answer: str, missing: tuple[str, ...], reason: str
) -> None:
    folder = tiny("llama", "no_bos")
    model = describe(folder)

    (losses,) = measured(LossScorer(folder, model), [request(model, question, answer, max_tokens=64)])

    assert losses.reason == reason
    assert [name for name in ("question", "given", "alone") if getattr(losses, name) is None] == list(missing)


def test_a_text_beyond_the_scorers_positions_is_not_measured(tiny: Tiny) -> None:
    folder = tiny("llama", "no_bos")
    model = describe(folder)

    (losses,) = measured(LossScorer(folder, model), [request(model, "hi", "y" * CONTEXT, max_tokens=10**6)])

    assert (losses.reason, values(losses)) == ("over_context", (None, None, None))
    assert (losses.n_question, losses.n_answer) == (1, CONTEXT)


def test_weights_that_overflow_give_none_and_not_nan(tiny: Tiny, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    source = tiny("gpt2", "bos")
    broken = AutoModelForCausalLM.from_pretrained(source)
    with torch.no_grad():
        broken.transformer.wte.weight[5].fill_(float("nan"))
    broken.save_pretrained(tmp_path)
    for file in source.glob("tokenizer*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    model = describe(tmp_path)

    (losses,) = measured(LossScorer(tmp_path, model), [request(model, "hi", "yes")])

    assert (losses.reason, values(losses)) == ("not_finite", (None, None, None))


def test_the_chat_form_has_other_losses_and_the_same_alone(tiny: Tiny) -> None:
    folder = tiny("llama", "bos")
    model = describe(folder)

    plain, chat = measured(
        LossScorer(folder, model), [request(model, "hi?", "yes", form=form) for form in ("plain", "chat")]
    )

    assert (plain.n_question, plain.n_answer) == (chat.n_question, chat.n_answer) == (3, 3)
    assert chat.alone == pytest.approx(plain.alone, abs=EQUAL)
    assert abs((chat.given or 0) - (plain.given or 0)) > 1e-3


def test_a_template_that_rewrites_the_text_gets_no_loss(tiny: Tiny) -> None:
    folder = tiny("llama", "chat_rewrites")
    model = describe(folder)

    (losses,) = measured(LossScorer(folder, model), [request(model, "a secret", "yes", form="chat")])

    assert (losses.reason, values(losses)) == ("template_changes_text", (None, None, None))


def test_a_pair_goes_through_the_model_twice_and_no_more(tiny: Tiny) -> None:
    folder = tiny("gpt2", "bos")
    model = describe(folder)
    scorer = LossScorer(folder, model, batch_tokens=4096, device="cpu")
    whole, seen = scorer._forward, []

    class Counting:
        name, device, context = whole.name, whole.device, whole.context

        def __call__(self, texts):  # type: ignore[no-untyped-def]
            seen.extend(texts)
            return whole(texts)

    scorer._forward = Counting()
    measured(scorer, [request(model, *pair) for pair in PAIRS])

    assert len(seen) == 2 * len(PAIRS)


def test_texts_of_like_length_share_a_pass_that_is_no_larger_than_allowed() -> None:
    assert list(batches([3, 9, 1, 8, 9], 18)) == [[1, 4], [3, 0], [2]]
    assert list(batches([3, 30], 18)) == [[1], [0]], "what is too long goes alone"
    assert list(batches([], 18)) == []


def test_a_batch_that_does_not_fit_the_memory_is_halved(tiny: Tiny) -> None:
    import torch

    folder = tiny("llama", "bos")
    model = describe(folder)
    scorer = LossScorer(folder, model, batch_tokens=4096)
    whole = scorer._forward

    class Small:
        name, device, context = whole.name, whole.device, whole.context

        def __call__(self, texts):  # type: ignore[no-untyped-def]
            if len(texts) > 2:
                raise torch.OutOfMemoryError("too much")
            return whole(texts)

    requests = [request(model, *pair) for pair in PAIRS]
    expected = measured(scorer, requests)
    scorer._forward = Small()

    for found, wanted in zip(measured(scorer, requests), expected, strict=True):
        assert_equal(found, wanted)


def test_only_losses_of_its_own_model_are_measured(tiny: Tiny) -> None:
    folder = tiny("llama", "bos")
    model = describe(folder)
    scorer = LossScorer(folder, model)
    other = ModelRef(name="other", revision="x", tokenizer="y")
    chat = GenerateRequest(model=model, messages=(Message("user", "hi"),), decoding=Decoding(), seed=0)

    for wrong in (request(other, "a", "b"), chat):
        with pytest.raises(ValueError, match="measures losses under"):
            scorer.submit([wrong])


@pytest.mark.parametrize("dtype", ["bfloat16", "auto"])
def test_losses_are_measured_in_the_dtype_that_was_asked_for(tiny: Tiny, dtype: str) -> None:
    folder = tiny("llama", "bos")
    model = describe(folder)
    exact = measured(LossScorer(folder, model), [request(model, *PAIRS[0])])
    scorer = LossScorer(folder, model, dtype=dtype)

    (found,) = measured(scorer, [request(model, *PAIRS[0], dtype=dtype)])

    assert values(found) == pytest.approx(values(exact[0]), rel=0.02)
    assert (values(found) == pytest.approx(values(exact[0]), rel=1e-5)) is (dtype == "auto")
    with pytest.raises(ValueError, match=f"was loaded in {dtype}, and a request wants float32"):
        scorer.submit([request(model, *PAIRS[0])])


def test_a_closed_scorer_has_nothing_in_flight(tiny: Tiny) -> None:
    folder = tiny("llama", "bos")
    model = describe(folder)
    scorer = LossScorer(folder, model)
    scorer.submit([request(model, "a", "b")])

    scorer.close()
    scorer.close()

    assert scorer.collect() == []


def test_a_folder_without_a_language_model_is_a_model_error(tmp_path: Path) -> None:
    ref = ModelRef(name="none", revision="", tokenizer="")
    with pytest.raises(ModelError, match="holds no tokenizer that can be loaded"):
        LossScorer(tmp_path, ref)
