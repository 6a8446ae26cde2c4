import pytest

from evol_core.evolve.auto.failure import failure


@pytest.mark.parametrize(
    ("response", "rule"),
    [
        ("Understood. What shall I do next?", "stagnant_complexity"),
        ("Thank you! Is there anything else?", "stagnant_complexity"),
        ("What do you mean?", "stagnant_complexity"),
        ("That is\ncorrect, right?  ", "stagnant_complexity"),
        ("GREAT, SHALL WE GO ON?", "stagnant_complexity"),
        ("Sure, which language would you like?", "insufficient_qualification"),
        ("Sure?", "insufficient_qualification"),
        ("I can help. Please provide the table.", "loss_of_key_information"),
        ("please\nprovide more", "loss_of_key_information"),
        ("Sure, please provide the text?", "insufficient_qualification"),
    ],
)
def test_an_answer_that_gives_the_task_back_is_a_failure(response: str, rule: str) -> None:
    assert failure(response) == rule


@pytest.mark.parametrize(
    "response",
    [
        "",
        "?",
        "Understood. The answer is 7.",
        "Sure, here is the poem.",
        "Whatever you choose, is it not 7?",
        "Surely the answer is 7?",
        "The answer is 7. Great?",
        "Providing an answer, please: 7.",
    ],
)
def test_other_answers_are_none(response: str) -> None:
    assert failure(response) is None
