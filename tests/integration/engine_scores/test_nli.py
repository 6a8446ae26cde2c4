"""NLI classifiers: small random models of the real architecture, with labels in an order of their own."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch  # noqa: TID253
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DebertaV2Config  # noqa: TID253

from evol_core.errors import ModelError
from evol_core.llm.model_folder import describe
from evol_core.records import Generation
from evol_core.requests import GenerateRequest
from evol_core.score.models.nli import NliClassifier
from evol_core.verify.nli import classifier_nli
from tests.integration.engine_scores.tiny import CONTEXT, VOCABULARY, save, tokenizer

pytestmark = [
    pytest.mark.engine,
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),  # DeBERTa's own code
]

LABELS = {0: "Entailment", 1: "CONTRADICTION", 2: "neutral"}

PAIRS = [("Use one word.", "Say a single word."), ("a", "b" * 90), ("", ""), ("End with x.", "Never end with x.")]


def classifier(folder: Path, labels: dict[int, str] = LABELS) -> Path:
    """mDeBERTa's architecture: relative positions, no token types, a pooler."""
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        relative_attention=True,
        position_buckets=32,
        pos_att_type=["p2c", "c2p"],
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        position_biased_input=False,
        type_vocab_size=0,
        initializer_range=0.5,
        id2label=labels,
        label2id={label: number for number, label in labels.items()},
    )
    words = tokenizer(bos=True)
    words.pad_token = "</s>"
    save(folder, AutoModelForSequenceClassification.from_config(config).eval(), words)
    return folder


def ask(model: NliClassifier, pairs: Sequence[tuple[str, str]], folder: Path) -> list[Generation]:
    """The classifier's answers to pairs, as the flow asks for them."""
    scorer = classifier_nli(describe(folder))
    requests = [request for pair in pairs for request in next(scorer(*pair)) if isinstance(request, GenerateRequest)]
    model.submit(requests)
    answers = {answer.request_hash: answer for answer in model.collect()}
    return [answers[request.hash] for request in requests]


def test_the_label_is_that_of_the_largest_output_by_the_models_own_names(tmp_path: Path) -> None:
    folder = classifier(tmp_path)
    plain = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    words = AutoTokenizer.from_pretrained(folder)

    found = ask(NliClassifier(folder, describe(folder), device="cpu"), PAIRS, folder)

    for (premise, hypothesis), answer in zip(PAIRS, found, strict=True):
        with torch.no_grad():
            logits = plain(**words(premise, hypothesis, return_tensors="pt")).logits[0]
        assert answer.text == LABELS[int(logits.argmax())].lower()
        assert answer.finish_reason == "stop"
    assert len({answer.text for answer in found}) > 1, "else a wrong order of labels could not be seen"


def test_company_in_a_batch_changes_no_label(tmp_path: Path) -> None:
    folder = classifier(tmp_path)
    model = NliClassifier(folder, describe(folder), device="cpu")

    alone = [ask(model, [pair], folder)[0].text for pair in PAIRS]

    assert [answer.text for answer in ask(model, PAIRS, folder)] == alone


def test_a_pair_beyond_the_context_is_an_error_and_the_others_stand(tmp_path: Path) -> None:
    folder = classifier(tmp_path)

    long, short = ask(NliClassifier(folder, describe(folder)), [("a" * CONTEXT, "b"), ("a", "b")], folder)

    assert (long.finish_reason, long.text) == ("error", "")
    assert "over_context" in long.error
    assert short.finish_reason == "stop"


def test_a_classifier_that_names_no_classes_is_refused(tmp_path: Path) -> None:
    folder = classifier(tmp_path, {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"})

    with pytest.raises(ModelError, match=r"must name its outputs .*Set id2label in its config.json"):
        NliClassifier(folder, describe(folder))


def test_a_folder_without_a_classifier_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "none"}))

    with pytest.raises(ModelError, match="cannot be loaded as an NLI classifier"):
        NliClassifier(tmp_path, describe(classifier(tmp_path / "other")))
