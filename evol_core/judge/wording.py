"""What a judge is asked, and how its verdict is read.

The verdict is the label on the last line that holds one; case, bold and quotes are forgiven. A line that holds
two different labels says nothing: a judge that repeats the choices has not chosen.
"""

import re
from enum import StrEnum

PROMPT = """\
Two assistants answered the same request. Compare their answers.

--- request begins ---
{query}
--- request ends ---

--- answer of Assistant 1 begins ---
{first}
--- answer of Assistant 1 ends ---

--- answer of Assistant 2 begins ---
{second}
--- answer of Assistant 2 ends ---

What counts: the answer meets what was asked for; it is concise, with no detail that nobody needs, and still as \
complete as possible; one thing follows from another; its terms are precise; it is true, and takes no side. Which \
answer stands first, and which is longer, does not count.

Explain the difference in a few sentences. Then write your verdict as the last line, as one of these three: \
"Assistant 1 is better than Assistant 2" / "Assistant 1 is worse than Assistant 2" / \
"Assistant 1 is equal to Assistant 2"."""


class Label(StrEnum):
    """A judge's word on two answers, in the order in which it saw them."""

    FIRST = "first"
    SECOND = "second"
    EQUAL = "equal"


_MARKS = re.compile(r"[*_`\"'\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}]+")
_HOW = r"(?:(?:much|far|slightly|clearly|significantly|somewhat|a bit|a little) )?"
_LABEL = re.compile(
    rf"\bassistant ([12]) is {_HOW}(better than|worse than|equal to|as good as) assistant ([12])\b"
    r"|\bassistants? [12] and (?:assistant )?[12] are (equal|equally good)\b",
)


def prompt(query: str, first: str, second: str) -> str:
    return PROMPT.format(query=query, first=first, second=second)


def parse(reply: str) -> Label | None:
    """The label on the last line that holds one; None where no line does, or where that line holds different ones."""
    for line in reversed(reply.splitlines()):
        labels = {_label(match) for match in _LABEL.finditer(_plain(line))} - {None}
        if labels:
            return labels.pop() if len(labels) == 1 else None
    return None


def _plain(line: str) -> str:
    return " ".join(_MARKS.sub("", line).lower().split())


def _label(match: re.Match[str]) -> Label | None:
    """None where an assistant is compared with itself."""
    left, relation, right, _ = match.groups()
    if left is not None and left == right:
        return None
    if relation not in ("better than", "worse than"):
        return Label.EQUAL
    return Label.FIRST if (left == "1") == (relation == "better than") else Label.SECOND
