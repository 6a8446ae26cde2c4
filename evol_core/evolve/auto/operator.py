"""A method in an operator's place: rounds of evolution use it as they use any operator."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from evol_core.evolve.auto.method import Method
from evol_core.evolve.auto.trajectory import FORMATS, JSON_SCHEMA, Outcome, read_reply, read_trajectory
from evol_core.evolve.rounds import EvolveSetting
from evol_core.evolve.wording import INPUT, deeper_child
from evol_core.records import Generation, Instruction

Form = Literal["json", "headings"]
"""json: the engine enforces the schema; headings: any engine, read tolerantly."""


@dataclass(frozen=True, kw_only=True)
class MethodOperator:
    """Satisfies Operator."""

    method: Method
    form: Form

    @property
    def NAME(self) -> str:
        return self.method.name

    @property
    def PROMPT(self) -> str:
        return f"{{input}}{self.method.text.rstrip()}\n\n{FORMATS[self.form]}"

    def prompt(self, instruction: Instruction, /) -> str:
        shown = INPUT.format(input=instruction.input) if instruction.input else ""
        return f"{shown}{self.method.filled(instruction.text).rstrip()}\n\n{FORMATS[self.form]}"

    def parse(self, completion: str, parent: Instruction, /) -> Instruction | None:
        final = read_trajectory(completion).final
        return deeper_child(final, parent) if final else None


def operator_of(prompt: str) -> MethodOperator | None:
    """The operator that asks by this PROMPT; None where no method does."""
    for form in get_args(Form):
        behind = f"\n\n{FORMATS[form]}"
        if prompt.endswith(behind):
            text = prompt.removeprefix("{input}").removesuffix(behind)
            return MethodOperator(method=Method(text=text), form=form)
    return None


def schema_of(form: Form) -> str:
    """What a request's decoding says of the reply's form; empty for free text."""
    return JSON_SCHEMA if form == "json" else ""


def problem(generation: Generation) -> str:
    """Why nothing can be read from a reply, by name; empty where the acceptance rules have the word."""
    outcome = read_reply(generation).outcome
    return "" if outcome.parsed or outcome is Outcome.ENGINE_ERROR else outcome.value


def with_method(setting: EvolveSetting, method: Method, form: Form) -> EvolveSetting:
    """The setting with a method as its only operator, in the wanted form."""
    operator = MethodOperator(method=method, form=form)
    return replace(
        setting,
        operators=(operator.NAME,),
        table={operator.NAME: operator},
        decoding=replace(setting.decoding, json_schema=schema_of(form)),
        problem=problem,
    )
