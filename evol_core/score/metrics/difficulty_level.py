"""Difficulty level: the word that a judge model gives an instruction, of five, greedily.

The label is the word; the value is its place from 1 (very easy) to 5 (very hard), so that rounds can be ordered.
Source: arXiv 2412.11231 (shares of the five levels by round); methods 5.5. The five counts and the unparsed add up
to all rows, always.
Null: the reply is something else than one of the words (`unparsed`; its text stays in the recorded generation),
or the judge could not be asked.
"""

import re
from typing import Final

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_judge import ENGINE_ERROR, UNPARSED, judged, judged_score
from evol_core.score.metric import Metric, Scoring

NAME = "difficulty_level"

LEVELS: Final = ("very easy", "easy", "medium", "hard", "very hard")

PROMPT = """\
Sort the task below by how hard it is for a capable assistant to answer it completely and correctly. Do not solve it.

The levels, from the lowest to the highest: very easy, easy, medium, hard, very hard.
Reply with one of these levels and nothing else.

--- task begins ---
{instruction}
--- task ends ---

Level:"""

WRAPPING = " \t\r\n*_`\"'\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}" + (
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
)
"""Blanks, bold and quotes: forgiven on both sides."""

PUNCTUATION = ".,;:!?"
"""Forgiven at the end."""

BLANKS = re.compile(r"\s+")


def parse(reply: str) -> str | None:
    """The level that a reply is, forgiving case, quotes, bold and trailing punctuation; else None."""
    word = BLANKS.sub(" ", reply.lstrip(WRAPPING).rstrip(WRAPPING + PUNCTUATION)).lower()
    return word if word in LEVELS else None


def place(level: str) -> int:
    """1 for the lowest level, 5 for the highest."""
    return LEVELS.index(level) + 1


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    reply = yield from judged(PROMPT, pair.instruction, scoring)
    failed = reply.finish_reason == "error"
    level = None if failed else parse(reply.text)
    return judged_score(
        NAME,
        PROMPT,
        pair.instruction,
        scoring,
        value=float(place(level)) if level else None,
        reason=ENGINE_ERROR if failed else UNPARSED,
        label=level or "",
    )


METRIC = Metric(
    name=NAME,
    unit="of 5 levels",
    better="higher",
    subject="instruction",
    asks="judge",
    null="unparsed, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.5",
    score=score,
)
