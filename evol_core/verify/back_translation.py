"""Describes checkers back as rules, and drops a constraint that one of them contradicts (methods 4, step 4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from evol_core.llm.nli_labels import NliLabel
from evol_core.llm.port import Program, ask, together
from evol_core.records import ACCEPTED, RequestHash, Status, Verdict
from evol_core.verify.asking import Asking
from evol_core.verify.nli import Nli

NAME = "back_translate"
MAX_CHECKERS = 3

PROMPT = """\
This Python function takes the text of an answer and tells whether the answer follows a rule:

{source}

Say in one sentence which rule that is, as an instruction to whoever writes the answer. Reply with it alone."""

CONTRADICTED = Verdict(status=Status.REJECTED, reason="contradicted")
ENGINE_ERROR = Verdict(status=Status.FAILED, reason="engine_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackTranslation:
    """One checker in words."""

    source: str
    text: str
    """Empty where the reply holds nothing."""

    label: NliLabel | None
    """What the constraint says of it; None where nobody could tell."""

    request: RequestHash


@dataclass(frozen=True, slots=True, kw_only=True)
class BackTranslated:
    """A constraint whose checkers were described."""

    constraint: str
    translations: tuple[BackTranslation, ...]
    verdict: Verdict


def back_translate(constraint: str, sources: Sequence[str], asking: Asking, nli: Nli | None) -> Program[BackTranslated]:
    """Describe the first three checkers, and compare each description (hypothesis) with the constraint (premise).

    Args:
        constraint: the rule.
        sources: its checkers, the best first.
        asking: the model that describes.
        nli: what compares; None where nothing does, and no constraint is dropped then.
    """
    requests = [asking.request(NAME, PROMPT.format(source=source), about=source) for source in sources[:MAX_CHECKERS]]
    replies = yield from together([ask(request) for request in requests])
    if replies and all(reply.finish_reason == "error" for reply in replies):
        return BackTranslated(constraint=constraint, translations=(), verdict=ENGINE_ERROR)
    texts = [" ".join(reply.text.split()) for reply in replies]
    labels = yield from together([_label(constraint, text, nli) for text in texts])
    translations = tuple(
        BackTranslation(source=source, text=text, label=label, request=request.hash)
        for source, text, label, request in zip(sources, texts, labels, requests, strict=False)
    )
    contradicted = NliLabel.CONTRADICTION in labels
    return BackTranslated(
        constraint=constraint, translations=translations, verdict=CONTRADICTED if contradicted else ACCEPTED
    )


def _label(constraint: str, text: str, nli: Nli | None) -> Program[NliLabel | None]:
    return (yield from nli(constraint, text)) if text and nli is not None else None
