"""Difficulty score: one number from 0 to 100 that a judge model gives an instruction, greedily.

Source: arXiv 2412.11231 (the mean over a round's instructions, 27 for its seeds up to 82 after three rounds);
methods 5.4. A mean is over the parsed replies and comes with its coverage.
Null: the reply holds no number, several different ones, or one out of range (`unparsed`; its text stays in the
recorded generation), or the judge could not be asked.
"""

import re

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_judge import ENGINE_ERROR, UNPARSED, judged, judged_score
from evol_core.score.metric import Metric, Scoring

NAME = "difficulty_score"

PROMPT = """\
How hard is the task below for a capable assistant? Think of the knowledge, the number of steps and the care that a \
fully correct answer takes. Do not solve the task.

Give one whole number from 0 to 100: 0 is something anybody does without thinking, 100 is at the limit of what \
experts can do. Reply with the number alone.

--- task begins ---
{instruction}
--- task ends ---

Difficulty from 0 to 100:"""

SCALE = re.compile(r"(?:/|\bout\s+of)\s*100(?![\w/]|\.[0-9])", re.IGNORECASE)
"""What stands beside a number and says only of how many."""

NUMBER = re.compile("(?<![\\w.])[-\N{MINUS SIGN}]?[0-9]+(?:\\.[0-9]+)?(?!\\w|\\.[0-9])")
"""A number that stands for itself: no part of a word, of a date or of a version."""

MOST = 100.0


def parse(reply: str, *, cut: bool = False) -> float | None:
    """The one number from 0 to 100 that a reply names, however often; else None.

    Args:
        reply: what the judge wrote.
        cut: the reply ends where its limit was, so a number at its very end may have lost digits.
    """
    text = SCALE.sub("", reply)
    numbers = list(NUMBER.finditer(text))
    if not numbers or (cut and numbers[-1].end() == len(text)):
        return None
    values = {float(number.group().replace("\N{MINUS SIGN}", "-")) for number in numbers}
    value = values.pop()
    return value if not values and 0.0 <= value <= MOST else None


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    reply = yield from judged(PROMPT, pair.instruction, scoring)
    failed = reply.finish_reason == "error"
    return judged_score(
        NAME,
        PROMPT,
        pair.instruction,
        scoring,
        value=None if failed else parse(reply.text, cut=reply.finish_reason == "length"),
        reason=ENGINE_ERROR if failed else UNPARSED,
    )


METRIC = Metric(
    name=NAME,
    unit="points of 100",
    better="higher",
    subject="instruction",
    asks="judge",
    null="unparsed, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.4",
    score=score,
)
