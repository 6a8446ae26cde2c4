"""The model that the platform brings: fetched, converted and fit for an engine."""

import sys
from pathlib import Path

import pytest

from evol_core.config import Settings
from evol_core.llm.model_folder import describe
from evol_core.platform.models import ensure_model

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    return ensure_model("smollm2", Settings(home=home, database_url="", jobs_python=Path(sys.executable)))


def test_it_is_a_model_folder_of_that_name(folder: Path) -> None:
    assert describe(folder).name == "smollm2"


def test_a_chat_is_rendered_with_its_marks_as_single_tokens(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    chat = [{"role": "user", "content": "What is 12?"}]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)

    assert text.endswith("<|im_start|>user\nWhat is 12?<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer(text, add_special_tokens=False).input_ids.count(1) == 3
    assert (tokenizer.bos_token_id, tokenizer.eos_token, tokenizer.eos_token_id) == (1, "<|im_end|>", 2)


def test_it_answers_and_stops(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    chat = [{"role": "user", "content": "What is the capital of France?"}]
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**inputs, max_new_tokens=20, do_sample=False)[0]

    assert tokenizer.decode(output[inputs["input_ids"].shape[1] :]) == "The capital of France is Paris.<|im_end|>"
