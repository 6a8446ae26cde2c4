"""A judge's last word, `Score: N`."""

import re

LOWEST, HIGHEST = 0, 10

_SCORE = re.compile(r"\bscore[^\w-]{0,4}:[^\w-]{0,4}(?P<score>-?\d+(?:\.\d+)?)(?:\s*/\s*10)?(?!\s*/)", re.IGNORECASE)


def parse_score(reply: str) -> int | None:
    """The score in the last place that states one; None where there is none, or no whole number in [0, 10]."""
    stated = [match["score"] for match in _SCORE.finditer(reply)]
    if not stated or not stated[-1].isdecimal() or len(stated[-1]) > 2:
        return None
    score = int(stated[-1])
    return score if LOWEST <= score <= HIGHEST else None
