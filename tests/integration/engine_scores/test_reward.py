"""Rewards of small random models of both kinds."""

import json
from pathlib import Path

import pytest
import torch  # noqa: TID253
from transformers import LlamaConfig, LlamaForSequenceClassification  # noqa: TID253

from evol_core.errors import ModelError
from evol_core.score.models.reward import Chat, Classifier, Reward, chat_ids, load_reward_model
from tests.integration.engine_scores.tiny import CHAT, CONTEXT, SIZES, save, tokenizer

pytestmark = pytest.mark.engine

CHATS = [Chat("the sum?", "9"), Chat("", ""), Chat("a\0b", "the " * 30), Chat("\N{SNOWMAN}", "so?\nbut")]

OWN_CODE = """
from transformers import LlamaConfig, LlamaModel

class Own(LlamaModel):
    config_class = LlamaConfig

    def get_score(self, tokenizer, chat):
        return float("nan") if chat[1]["content"] == "nan" else float(len(chat[1]["content"]))
"""


def classifier(folder: Path, *, outputs: int = 1) -> Path:
    torch.manual_seed(0)
    model = LlamaForSequenceClassification(LlamaConfig(**SIZES, num_labels=outputs, pad_token_id=1))
    save(folder, model, tokenizer(bos=True, chat=CHAT.replace("SAID", "")))
    return folder


def test_a_reward_is_the_classifiers_output_at_the_last_token(tmp_path: Path) -> None:
    folder = classifier(tmp_path)
    words = tokenizer(bos=True, chat=CHAT.replace("SAID", ""))
    model = LlamaForSequenceClassification.from_pretrained(folder).eval()
    model.config.pad_token_id = None  # then transformers reads the last token, whatever it is

    found = load_reward_model(folder, device="cpu")(CHATS)

    for chat, reward in zip(CHATS, found, strict=True):
        ids = chat_ids(words, chat)
        assert ids.count(0) == 1, "one BOS"
        with torch.no_grad():
            expected = float(model(torch.tensor([ids])).logits)
        assert reward.value == pytest.approx(expected, abs=3e-5)


def test_padding_and_order_change_no_reward(tmp_path: Path) -> None:
    alone = load_reward_model(classifier(tmp_path), device="cpu")
    assert isinstance(alone, Classifier)
    together = Classifier(alone._model, alone._tokenizer, padded_tokens=10_000)

    backwards = together(CHATS[::-1])[::-1]

    for one, other in zip(alone(CHATS), backwards, strict=True):
        assert one.value == pytest.approx(other.value, abs=3e-5)


def test_what_has_no_reward_is_none_with_a_reason(tmp_path: Path) -> None:
    rewards = load_reward_model(classifier(tmp_path))([Chat("a", "b" * CONTEXT), Chat("\ud800", "b"), Chat("a", "b")])

    assert rewards[:2] == [Reward(None, "over_context"), Reward(None, "not_unicode")]
    assert rewards[2].value is not None


def test_a_classifier_of_several_classes_is_no_reward_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has 2 outputs; a reward model has one"):
        load_reward_model(classifier(tmp_path, outputs=2))


def test_a_classifier_that_can_read_no_chat_says_so_before_it_is_asked(tmp_path: Path) -> None:
    classifier(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()

    with pytest.raises(ModelError, match="has no chat template, so it can read no chat"):
        load_reward_model(tmp_path)


def test_a_folder_without_a_model_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded as a reward model"):
        load_reward_model(tmp_path)


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from transformers import LlamaModel

    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    save(tmp_path, LlamaModel(LlamaConfig(**SIZES)), tokenizer(bos=True))
    config = json.loads((tmp_path / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "own.Own"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(OWN_CODE)
    return tmp_path


def test_a_model_with_a_way_of_its_own_is_asked_in_that_way(own_code: Path) -> None:
    model = load_reward_model(own_code, trust_remote_code=True)

    chats = [Chat("a", "four"), Chat("a", "nan"), Chat("a", "b" * CONTEXT), Chat("a", "\ud800")]

    assert model(chats) == [
        Reward(4.0),
        Reward(None, "not_finite"),
        Reward(None, "over_context"),
        Reward(None, "not_unicode"),
    ]


def test_a_models_own_code_runs_only_where_it_is_allowed(own_code: Path) -> None:
    with pytest.raises(ModelError, match="brings code of its own; read it, then allow it in the recipe"):
        load_reward_model(own_code)
