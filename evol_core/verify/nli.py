"""Whether one text follows from another: entailment, neutral or contradiction.

A scorer is a function that returns a program, so that a classifier and a prompted model look the same to those who
ask.
"""

import re
from collections.abc import Callable

from evol_core.llm.nli_labels import NliLabel
from evol_core.llm.port import Program, ask
from evol_core.records import ModelRef
from evol_core.requests import Decoding, GenerateRequest, Message
from evol_core.verify.asking import Asking

NAME = "nli"


Nli = Callable[[str, str], Program[NliLabel | None]]
"""Premise and hypothesis to a label; None where the scorer's reply holds none."""

PROMPT = """\
First rule: {premise}
Second rule: {hypothesis}

Compare what the two rules ask of an answer. Reply with one word only: "entailment" if an answer that follows the \
first rule follows the second as well, "contradiction" if no answer can follow both, "neutral" otherwise."""

_LABEL = re.compile("|".join(label.value for label in NliLabel), re.IGNORECASE)


def prompted_nli(asking: Asking) -> Nli:
    """A scorer that asks a chat model."""

    def label(premise: str, hypothesis: str) -> Program[NliLabel | None]:
        prompt = PROMPT.format(premise=premise, hypothesis=hypothesis)
        reply = yield from ask(asking.request(NAME, prompt, about=f"{premise}\n{hypothesis}"))
        return parse_label(reply.text)

    return label


ONE_WORD = Decoding(temperature=0.0, top_p=1.0, max_tokens=1)


def classifier_nli(model: ModelRef) -> Nli:
    """A scorer that asks a classifier: what it reads first is the premise, what it would reply the hypothesis."""

    def label(premise: str, hypothesis: str) -> Program[NliLabel | None]:
        messages = (Message("user", premise), Message("assistant", hypothesis))
        reply = yield from ask(GenerateRequest(model=model, messages=messages, decoding=ONE_WORD, seed=0))
        return parse_label(reply.text)

    return label


def parse_label(reply: str) -> NliLabel | None:
    """The one label that a reply names; None where it names none or several."""
    named = {match.group().lower() for match in _LABEL.finditer(reply)}
    return NliLabel(named.pop()) if len(named) == 1 else None
