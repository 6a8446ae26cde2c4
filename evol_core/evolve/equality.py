"""Whether an evolved instruction asks for anything new: a judge's verdict, read from the last line that is a label.

Equal are two instructions of the same constraints and the same depth and breadth of inquiry. Doubt refuses nobody:
a reply without an unambiguous label leaves the child as it is, and stays in the record.
Source: Xu et al. 2023, "WizardLM", arXiv:2304.12244 (elimination evolving, no information gain); methods 2.
"""

import re
from typing import Literal

from evol_core.llm.port import Program, ask
from evol_core.records import ACCEPTED, Instruction, ModelRef, Status, Verdict
from evol_core.requests import Decoding, GenerateRequest, Message

PROMPT = """\
Compare two instructions for an assistant.

First instruction:
{parent}

Second instruction:
{child}

Do they set the same requirements, and do they call for the same depth and the same breadth of inquiry? Other words \
for the same thing change nothing. Say in a sentence or two what differs, if anything does. Then end with one line \
that holds the verdict alone, either

Verdict: EQUAL
or
Verdict: DIFFERENT\
"""

DECODING = Decoding(temperature=0.0, top_p=1.0, max_tokens=160)
"""Greedy, with room for the sentences before the verdict."""

LABEL = re.compile(r"(?:(?:final )?(?:verdict|answer)\s*[:=-]\s*)?(not equal|unequal|equal|different)", re.IGNORECASE)
"""A whole line, without its decoration."""

DECORATION = " \t*_`#>-\"'.!"

NO_GAIN = Verdict(status=Status.REJECTED, reason="no_information_gain")
NOT_ASKED = Verdict(status=Status.FAILED, reason="engine_error")

Judged = Literal["equal", "different"]


def parse(reply: str) -> Judged | None:
    """The verdict of the last line that holds text; None where that line is no label and nothing but one."""
    lines = [stripped for line in reply.splitlines() if (stripped := line.strip(DECORATION))]
    label = LABEL.fullmatch(re.sub(r"[*_`]+", "", lines[-1])) if lines else None
    if label is None:
        return None
    return "equal" if label.group(1).lower() == "equal" else "different"


def equality_request(parent: Instruction, child: Instruction, judge: ModelRef) -> GenerateRequest:
    before, between, after = re.split(r"\{parent\}|\{child\}", PROMPT)
    content = f"{before}{parent.prompt}{between}{child.prompt}{after}"
    return GenerateRequest(model=judge, messages=(Message("user", content),), decoding=DECODING, seed=0)


def information_verdict(parent: Instruction, child: Instruction, judge: ModelRef) -> Program[Verdict]:
    """Refused where the judge says that the child asks for nothing new."""
    reply = yield from ask(equality_request(parent, child, judge))
    if reply.finish_reason == "error":
        return NOT_ASKED
    cut = reply.finish_reason == "length"
    return NO_GAIN if not cut and parse(reply.text) == "equal" else ACCEPTED
