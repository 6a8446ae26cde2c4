"""Many constraints out of a few: a model is shown all seeds and asked for more of their kind (methods 4, step 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evol_core.llm.port import Program, ask, together
from evol_core.records import Instruction, InstructionId, RequestHash
from evol_core.verify.asking import Asking
from evol_core.verify.constraints import ListReply, RejectedLine, clean_constraints

NAME = "self_instruct"

PROMPT = """\
Below are rules that an answer's form has to follow. A short Python function can tell from the text of an answer \
alone whether it follows such a rule.

{seeds}

Write 50 more rules of this kind. They may concern length, layout, letters, words, numbers, punctuation or order, \
but not style, mood or subject. Do not repeat a rule from above. Rules like these five are of no use, because no \
program can check them:
- Work a saying of a famous general into the text
- Answer in a children's secret language
- Use nothing but words for things to eat
- Put a figure of speech into every sentence
- Sound like a figure from an old stage play

Put each rule on a line of its own that begins with "- ", and write nothing else."""

Origin = Literal["seed", "self_instruct"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A rule for the form of an answer."""

    text: str
    origin: Origin
    request: RequestHash | None = None
    """Of the reply that it first came up in; None for a seed."""

    @property
    def id(self) -> InstructionId:
        """As the seed of the same text has it."""
        return Instruction(text=self.text).id


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Seeds and new constraints, and every line that is neither."""

    constraints: tuple[Constraint, ...]
    rejected: tuple[RejectedLine, ...]
    requests: tuple[RequestHash, ...]
    """By number, as `rejected` names replies."""

    failed: tuple[RequestHash, ...]
    """Requests that the engine could not serve."""


def propose_constraints(seeds: Sequence[str], n_requests: int, asking: Asking) -> Program[Proposed]:
    """Ask so many times for 50 constraints, clean what comes, and add the seeds before it."""
    prompt = PROMPT.format(seeds="\n".join(f"- {seed}" for seed in seeds))
    requests = [asking.request(NAME, prompt, about=NAME, sample=sample) for sample in range(n_requests)]
    replies = yield from together([ask(request) for request in requests])
    listed = [ListReply(reply.text, reply.finish_reason == "length") for reply in replies]
    cleaned = clean_constraints(listed, seeds)
    hashes = tuple(request.hash for request in requests)
    return Proposed(
        constraints=(
            *(Constraint(text=seed, origin="seed") for seed in seeds),
            *(
                Constraint(text=new.text, origin="self_instruct", request=hashes[new.reply])
                for new in cleaned.constraints
            ),
        ),
        rejected=cleaned.rejected,
        requests=hashes,
        failed=tuple(request for request, reply in zip(hashes, replies, strict=True) if reply.finish_reason == "error"),
    )
