"""A method in an operator's place asks by its own text, and its prompt tells which method that was."""

import pytest

from evol_core.evolve.auto.method import BASE, Method
from evol_core.evolve.auto.operator import Form, MethodOperator, operator_of
from evol_core.evolve.operators import OPERATORS
from evol_core.records import Instruction

ADD = Instruction(text="Add the numbers {of} this list.", input="2, 3 and {4}")
METHODS = [BASE, Method(text="Input first.\n{instruction}\n\nReply in JSON."), Method(text="Harder: {instruction}  \n")]


@pytest.mark.parametrize("form", ["json", "headings"])
@pytest.mark.parametrize("method", METHODS, ids=["base", "a reply's form", "blanks behind"])
def test_a_prompt_leads_back_to_the_operator_that_asks_by_it(method: Method, form: Form) -> None:
    operator = MethodOperator(method=method, form=form)

    found = operator_of(operator.PROMPT)

    assert found is not None
    for instruction in (ADD, Instruction(text="Name a river.")):
        assert found.prompt(instruction) == operator.prompt(instruction)
    assert ADD.text in found.prompt(ADD)
    assert ADD.input in found.prompt(ADD)


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operators_prompt_is_no_methods(name: str) -> None:
    assert operator_of(OPERATORS[name].PROMPT) is None
