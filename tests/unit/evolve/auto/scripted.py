"""A model whose replies are written here: methods that are marked evolve well or badly, and an optimiser that plants
what a test gives it.

What a method makes of a row depends on its marks alone: `[good N]` in its text means that the answer to every row but
the first N asks back, as after a poor evolution.
"""

import json
import re
from collections.abc import Callable, Sequence

from evol_core.evolve.auto.method import PLACE
from evol_core.records import Losses
from evol_core.requests import GenerateRequest, Request

GOOD = re.compile(r"\[good (\d+)\]")
ROW = re.compile(r"Name (\d+) rivers")

Script = Callable[[Request], str | Losses]


def method_text(good: int, more: str = "") -> str:
    """A method under which the first `good` rows fare well."""
    return f"Make it harder. {more}[good {good}]\n{PLACE}\n"


def fenced(text: str) -> str:
    return f"Here you are.\n```method\n{text}```\n"


def scripted(candidates: Sequence[str], *, base_good: int) -> Script:
    """Replies; `candidates` are what the optimiser says, by sample, at every step."""

    def reply(request: Request) -> str | Losses:
        assert isinstance(request, GenerateRequest)
        asked = request.messages[-1].content
        if asked.startswith("A method rewrites"):
            return f"Case 1 failed: it became easier ({request.sample})."
        if asked.startswith("This method rewrites"):
            return candidates[request.sample % len(candidates)]
        row = ROW.search(asked)
        assert row is not None, asked
        if "Reply in JSON" in asked:
            good = GOOD.search(asked)
            return evolved(int(row[1]), int(good[1]) if good else base_good)
        return "The Po and others." if "for sure" in asked else "Sure, which rivers do you mean?"

    return reply


def evolved(row: int, good: int) -> str:
    mark = "for sure" if row < good else "perhaps"
    final = f"Name {row} rivers, {mark}."
    return json.dumps({"methods": ["Say how sure"], "plan": "p", "rewrite": "r", "final": final})
