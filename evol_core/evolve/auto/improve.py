"""The optimiser's two questions, what is wrong with these evolutions and how the method should read instead, and how
its replies are read. Methods 3; source: arXiv:2406.00770, in our own words.
"""

import re
from collections.abc import Sequence

from evol_core.evolve.auto.method import PLACE, Method, method_problem
from evol_core.evolve.auto.trajectory import read_reply
from evol_core.records import Generation
from evol_core.text import reply_text

ISSUES = (
    "complexity that jumps instead of growing",
    "content that is wrong or could not happen",
    "a problem that has turned into another one",
    "requirements that contradict each other",
    "wording that is hard to understand",
    "complexity that nothing in the task supports",
    "a task that became easier",
    "stages that do not follow from one another",
)
"""What an analysis should be able to name."""

ANALYSE = """\
A method rewrites tasks so that they become harder, stage by stage. Below are {n} tasks with their stages; stage 0 is \
where each began.

{stages}

Name the cases in which the method failed, by number, each with its reason. Look for: {issues}. \
Be brief, and name no case that is fine.\
"""

IMPROVE = """\
This method rewrites tasks so that they become harder:

```method
{method}
```

Somebody looked at what it makes, and found:
{analysis}

Write a better method that avoids these failures and keeps what is good. The place {place} must stand in it exactly \
once; the task will be put there. Give the whole method between a line ```method and a line ```, and nothing else.\
"""

NO_BLOCK = "no_method_block"
UNCHANGED = "unchanged_method"

_BLOCK = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[ \t]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)


def analyse_prompt(cases: Sequence[Sequence[str]]) -> str:
    """What the optimiser is asked of a mini-batch; each case is its stages from 0 on."""
    shown = "\n\n".join(
        f"Case {number}\n" + "\n".join(f"Stage {stage}: {text}" for stage, text in enumerate(stages))
        for number, stages in enumerate(cases, 1)
    )
    return ANALYSE.format(n=len(cases), stages=shown, issues="; ".join(ISSUES))


def improve_prompt(method: Method, analysis: str) -> str:
    """What the optimiser is asked after its analysis."""
    return IMPROVE.format(method=method.text.rstrip(), analysis=analysis, place=PLACE)


def read_method(generation: Generation, current: Method) -> tuple[Method | None, str]:
    """The improved method of a reply; or None and the reason, by name.

    Of several fenced blocks the last one called `method` counts, and where none is called so, the last one.
    """
    if generation.finish_reason == "error":
        return None, "engine_error"
    text = reply_text(generation.text)
    blocks = [(name.casefold(), body) for name, body in _BLOCK.findall(text)]
    if not blocks:
        return None, "truncated" if generation.finish_reason == "length" else NO_BLOCK
    called = [body for name, body in blocks if name == "method"] or [body for _, body in blocks]
    method = Method(text=called[-1].strip() + "\n")
    if method.text.strip() == current.text.strip():
        return None, UNCHANGED
    wrong = method_problem(method.text)
    return (None, wrong) if wrong else (method, "")


def stage_text(generation: Generation) -> str:
    """An evolution as the optimiser sees it; what could not be read is said so."""
    trajectory = read_reply(generation)
    return trajectory.final or f"(nothing: {trajectory.outcome.value})"
