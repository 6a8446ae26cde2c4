"""The stages of AutoIF that ask for responses under constraints, and for a judge's word on those that were kept."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from evol_core.llm.port import Program
from evol_core.pipeline.autoif_parts import Output, asking_of, in_parts, own, read_rows, seed_texts
from evol_core.pipeline.context import Build
from evol_core.pipeline.pieces import Tables, made_in_pieces
from evol_core.recipe import AutoifRecipe
from evol_core.records import Instruction, Pair, Status
from evol_core.verify.quality import KEEP_FROM, Quality, judge_quality
from evol_core.verify.queries import choose_queries, usable_queries
from evol_core.verify.responses import ConstrainedTask, SampledResponse, sample_responses
from evol_core.verify.tables import RESPONSES, Row


def respond_stage(build: Build[AutoifRecipe]) -> Output:
    """Ask the shard's kept constraints' queries; exactly one row a response."""
    setting = build.recipe.responses
    fates = read_rows(build, own(build, "back_translate")["parts"]["fates"])
    queries = usable_queries(seed_texts(build, "queries"))
    tasks = list(tasks_of(fates, queries, setting.queries))

    def answered(task: tuple[Row, ConstrainedTask]) -> Program[Tables]:
        head, asked = task
        responses = yield from sample_responses_of(build, asked)
        return [
            [
                response_row(head | {"sample": number, "ordinal": head["task"] * setting.samples + number}, asked, one)
                for number, one in enumerate(responses)
            ]
        ]

    decided_by = [own(build, "back_translate")["parts"]["fates"], build.outputs("sources")]
    pieces = made_in_pieces(build, "respond", tasks, answered, [RESPONSES], total=len(tasks), decided_by=decided_by)
    return in_parts(build, "responses", pieces) | {"tasks": len(tasks)}


def sample_responses_of(build: Build[AutoifRecipe], task: ConstrainedTask) -> Program[tuple[SampledResponse, ...]]:
    setting = build.recipe.responses
    asking = asking_of(build, setting.model, setting.decoding)
    return sample_responses(task, setting.samples, asking, keep_truncated=setting.keep_truncated)


def tasks_of(fates: Iterable[Row], queries: Sequence[str], n_queries: int) -> Iterator[tuple[Row, ConstrainedTask]]:
    """What is asked under each constraint that was kept; a task's number depends on no other constraint."""
    for fate in fates:
        if fate["status"] == Status.ACCEPTED:
            for place, query in enumerate(choose_queries(fate["constraint_id"], queries, n_queries)):
                head = {"task": fate["ordinal"] * n_queries + place, "constraint_id": fate["constraint_id"]}
                yield head, ConstrainedTask(query=query, constraint=fate["constraint"])


def response_row(head: Row, task: ConstrainedTask, response: SampledResponse) -> Row:
    """A RESPONSES row that nothing has checked yet."""
    instruction = task.instruction
    pair = Pair(instruction=instruction, response=response.text)
    return {
        **head,
        "query_id": Instruction(text=task.query).id,
        "constraint": task.constraint,
        "query": task.query,
        "instruction_id": instruction.id,
        "instruction": instruction.text,
        "input": "",
        "response_id": pair.id if response.text else None,
        "response": response.text,
        "respond_hash": response.request,
        "stage": "respond",
        "status": response.verdict.status.value,
        "reason": response.verdict.reason,
        "pass_rate": None,
        "verdicts": [],
        "layers": [],
        "quality": None,
        "quality_reason": "not_asked",
        "quality_hash": None,
    }


def quality_stage(build: Build[AutoifRecipe]) -> Output:
    """Have every response scored that its checkers let pass; the others go on as they are."""
    parts = own(build, "check")["parts"]["responses"]
    rows, total = read_rows(build, parts), sum(own(build, "check")["counts"].values())
    pieces = made_in_pieces(
        build, "quality", rows, partial(judged_row, build), [RESPONSES], total=total, decided_by=parts
    )
    return in_parts(build, "responses", pieces)


def judged_row(build: Build[AutoifRecipe], row: Row) -> Program[Tables]:
    """A row of RESPONSES with a judge's word, where its checkers let it pass."""
    if row["status"] != Status.ACCEPTED:
        return [[row]]
    quality = yield from judge_quality_of(build, row)
    return [[quality_row(row, quality)]]


def judge_quality_of(build: Build[AutoifRecipe], row: Row) -> Program[Quality]:
    setting = build.recipe.quality
    task = ConstrainedTask(query=row["query"], constraint=row["constraint"])
    asking = asking_of(build, setting.judge, setting.decoding)
    return judge_quality(task, row["response"], KEEP_FROM[setting.keep], asking)


def quality_row(row: Row, quality: Quality) -> Row:
    return row | {
        "stage": "quality",
        "status": quality.verdict.status.value,
        "reason": quality.verdict.reason,
        "quality": quality.score,
        "quality_reason": "" if quality.score is not None else quality.verdict.reason,
        "quality_hash": quality.request,
    }
