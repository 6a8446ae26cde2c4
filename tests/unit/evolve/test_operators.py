import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.evolve.operators import OPERATORS, unknown_operators
from evol_core.evolve.wording import evolved_text
from evol_core.records import Instruction

RIVER = Instruction(text="Name a river.")
ADD = Instruction(text="Add the numbers {of} this list.", input="2, 3 and {4}")

DEPTH = [name for name in OPERATORS if name != "breadth"]


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_keeps_the_contract(name: str) -> None:
    operator = OPERATORS[name]

    assert name == operator.NAME
    assert "{text}" in operator.PROMPT
    assert "{input}" in operator.PROMPT
    for instruction in (RIVER, ADD):
        assert instruction.text in operator.prompt(instruction)
        assert instruction.input in operator.prompt(instruction)
        assert operator.parse("", instruction) is None
        assert operator.parse(" \n\0 ", instruction) is None
        assert operator.parse(instruction.text, instruction) is None


def test_no_two_operators_ask_the_same() -> None:
    assert len({operator.PROMPT for operator in OPERATORS.values()}) == len(OPERATORS) == 5


@pytest.mark.parametrize("name", DEPTH)
def test_a_deeper_instruction_shall_be_10_to_20_words_longer(name: str) -> None:
    assert "10 to 20 more words" in OPERATORS[name].PROMPT


@pytest.mark.parametrize("name", OPERATORS)
def test_an_instruction_without_input_is_shown_without_a_heading_for_one(name: str) -> None:
    assert "Input:" not in OPERATORS[name].prompt(RIVER)


@pytest.mark.parametrize("name", OPERATORS)
@given(text=st.text(min_size=1), completion=st.text())
def test_any_text_can_be_shown_and_any_reply_read(name: str, text: str, completion: str) -> None:
    parent = Instruction(text=text, input=completion)

    assert text in OPERATORS[name].prompt(parent)
    OPERATORS[name].parse(completion, parent)


@pytest.mark.parametrize("name", DEPTH)
def test_a_deeper_child_keeps_its_parents_input(name: str) -> None:
    child = OPERATORS[name].parse("Add the numbers and double the sum.", ADD)

    assert child == Instruction(text="Add the numbers and double the sum.", input=ADD.input)


@pytest.mark.parametrize("echo", ["\n2, 3 and {4}", "\n\nInput: 2, 3 and {4}", " 2, 3 and {4}"])
def test_an_input_repeated_at_the_end_is_not_the_childs_text(echo: str) -> None:
    child = OPERATORS["deepen"].parse("Add the numbers and say why." + echo, ADD)

    assert child == Instruction(text="Add the numbers and say why.", input=ADD.input)


@pytest.mark.parametrize("reply", ["2, 3 and {4}", "Add the numbers {of} this list.\nInput: 2, 3 and {4}"])
def test_a_reply_of_nothing_but_what_was_shown_is_no_child(reply: str) -> None:
    assert OPERATORS["deepen"].parse(reply, ADD) is None


def test_a_broader_child_stands_without_input() -> None:
    assert OPERATORS["breadth"].parse("Name a canal.", ADD) == Instruction(text="Name a canal.")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("  Name a canal.\n", "Name a canal."),
        ("Question: Name a canal.", "Name a canal."),
        ("Task:\nName a canal.", "Name a canal."),
        ('"Name a canal."', "Name a canal."),
        ('Question: "Name a canal."', "Name a canal."),
        ("\u201cName a canal.\u201d", "Name a canal."),
        ('"Venice" and "Bruges" have canals. Why?', '"Venice" and "Bruges" have canals. Why?'),
        ('"Yes" or "No"', '"Yes" or "No"'),
        ('"', '"'),
        ("Questions: how many?", "Questions: how many?"),
        ("Name\0 a canal.\ud83d", "Name a canal.\ufffd"),
    ],
)
def test_one_label_and_one_pair_of_quotes_are_no_part_of_an_instruction(reply: str, text: str) -> None:
    assert evolved_text(reply) == text


def test_unknown_operators_are_named_beside_the_known_ones() -> None:
    assert unknown_operators(["deepen", "deepen2", "widen"]) == (
        "unknown operators ['deepen2', 'widen']; known: ['constraints', 'deepen', 'concretize', 'reasoning', 'breadth']"
    )
    assert unknown_operators(OPERATORS) is None
