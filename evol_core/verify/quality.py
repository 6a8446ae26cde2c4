"""How well a response answers its query, by a judge who knows of the constraint (methods 4, step 7)."""

from dataclasses import dataclass

from evol_core.llm.port import Program, ask
from evol_core.records import ACCEPTED, RequestHash, Status, Verdict
from evol_core.verify.asking import Asking
from evol_core.verify.responses import ConstrainedTask
from evol_core.verify.scores import HIGHEST, LOWEST, parse_score

NAME = "quality"

KEEP_FROM = {"code": 9, "paper": 8}
"""The lowest score that is kept. code: AutoIF's code keeps more than 8. paper: its paper keeps 8 as well."""

PROMPT = """\
Somebody asked: {query}
The answer had to follow this rule: {constraint}
The answer was:

{response}

Judge how well the answer serves whoever asked. Keep in mind that following the rule may have cost it some of its \
usefulness. Explain your view in a few sentences. Then end with a line "Score: N", where N is a whole number from \
0 (of no use) to 10 (as good as it can be under this rule)."""

ENGINE_ERROR = Verdict(status=Status.FAILED, reason="engine_error")
UNPARSED = Verdict(status=Status.REJECTED, reason="no_score")
LOW = Verdict(status=Status.REJECTED, reason="low_quality")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A judge's word on one response."""

    score: int | None
    """From 0 to 10; None where the reply states none."""

    verdict: Verdict
    request: RequestHash


def judge_quality(task: ConstrainedTask, response: str, keep_from: int, asking: Asking) -> Program[Quality]:
    """Ask for a score and hold it against the lowest that is kept.

    Raises:
        ValueError: no score can be as high as keep_from.
    """
    if not LOWEST <= keep_from <= HIGHEST:
        raise ValueError(f"judge_quality: keep_from must be in [{LOWEST}, {HIGHEST}], got {keep_from}")
    prompt = PROMPT.format(query=task.query, constraint=task.constraint, response=response)
    request = asking.request(NAME, prompt, about=f"{task.instruction.id}\n{response}")
    reply = yield from ask(request)
    score = None if reply.finish_reason == "error" else parse_score(reply.text)
    if reply.finish_reason == "error":
        verdict = ENGINE_ERROR
    elif score is None:
        verdict = UNPARSED
    else:
        verdict = ACCEPTED if score >= keep_from else LOW
    return Quality(score=score, verdict=verdict, request=request.hash)
