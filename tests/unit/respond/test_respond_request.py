from evol_core.records import Instruction, ModelRef
from evol_core.requests import Decoding, GenerateRequest
from evol_core.respond import PROMPT, respond_request

MODEL = ModelRef(name="small", revision="w1", tokenizer="t1")
ADD = Instruction(text="Add the numbers {of} this list.", input="2 and {3}")


def request(instruction: Instruction = ADD, *, recipe_seed: int = 0) -> GenerateRequest:
    return respond_request(instruction, model=MODEL, decoding=Decoding(max_tokens=256), recipe_seed=recipe_seed)


def test_the_model_is_shown_the_instruction_and_its_input_in_one_user_turn() -> None:
    (turn,) = request().messages

    assert turn.role == "user"
    assert "Add the numbers {of} this list.\n2 and {3}\n" in turn.content
    assert "{instruction}" in PROMPT
    assert "comprehensively and accurately" in PROMPT


def test_the_same_instruction_is_asked_in_the_same_words_with_the_same_seed() -> None:
    assert request().hash == request(Instruction(text=ADD.text, input=ADD.input)).hash


def test_another_instruction_or_recipe_seed_draws_by_another_seed() -> None:
    assert len({request().seed, request(recipe_seed=1).seed, request(Instruction(text=ADD.text)).seed}) == 3
