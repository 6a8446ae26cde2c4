"""What judged metrics share: one greedy request, and the form of their scores."""

from dataclasses import asdict

from evol_core.llm.port import Program, ask
from evol_core.records import Generation, Instruction, Score, content_hash
from evol_core.requests import Decoding, GenerateRequest, Message
from evol_core.score.metric import Scoring

DECODING = Decoding(temperature=0.0, top_p=1.0, max_tokens=32)
"""Greedy, and short: a verdict is a word or a number, and an essay is no verdict."""

ENGINE_ERROR = "engine_error"
"""The judge could not serve the request; the recorded generation says why."""

UNPARSED = "unparsed"
"""The judge's reply holds no verdict; the recorded generation keeps its text."""


def judged(template: str, instruction: Instruction, scoring: Scoring) -> Program[Generation]:
    """The judge's reply to a prompt, of which `{instruction}` is replaced by the instruction and its input."""
    content = template.replace("{instruction}", instruction.prompt)
    request = GenerateRequest(
        model=scoring.judge, messages=(Message("user", content),), decoding=DECODING, sample=0, seed=0
    )
    return ask(request)


def judged_score(
    metric: str,
    template: str,
    instruction: Instruction,
    scoring: Scoring,
    *,
    value: float | None,
    reason: str,
    label: str = "",
) -> Score:
    """An instruction's score by the judge; the reason counts only where there is no value."""
    return Score(
        subject_id=instruction.id,
        metric=metric,
        value=value,
        reason="" if value is not None else reason,
        label=label,
        scorer=scoring.judge.name,
        revision=content_hash(
            {
                "metric": metric,
                "weights": scoring.judge.revision,
                "tokenizer": scoring.judge.tokenizer,
                "prompt": content_hash(template),
                "decoding": asdict(DECODING),
            }
        ),
    )
