"""Two files of answers judged against each other, without a database."""

from dataclasses import dataclass
from pathlib import Path

from evol_core.config import Settings
from evol_core.errors import ConfigError
from evol_core.judge.files import JUDGED, join_answers, judge_programs, judged_row
from evol_core.judge.pairwise import Judging
from evol_core.judge.summary import Summary, summarise
from evol_core.pipeline.context import MakeEngine, model_ref, real_engine
from evol_core.pipeline.file_record import recorded
from evol_core.recipe import DecodingConfig, ModelConfig
from evol_core.runner import Report, drive, reported
from evol_core.store.plain_rows import check_output, read_rows, write_table


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFiles:
    """What is judged, by whom, and where the verdicts go."""

    a: Path
    b: Path
    output: Path
    model: ModelConfig
    decoding: DecodingConfig
    seed: int = 0


def check_judge_files(order: JudgeFiles) -> int:
    """Everything that can be known to be wrong before an engine starts.

    Returns:
        The number of pairs.

    Raises:
        ConfigError: the output has an unknown ending, no folder, or is one of the inputs.
        InputError: a file cannot be read, or the files do not answer the same instructions.
    """
    check_output(order.output)
    if order.output.resolve() in (order.a.resolve(), order.b.resolve()):
        raise ConfigError(f"--output {order.output} is one of the inputs; name another file")
    return len(join_answers(read_rows(order.a), read_rows(order.b), names=(order.a, order.b)))


def judge_files(
    order: JudgeFiles, settings: Settings, report: Report, make_engine: MakeEngine = real_engine
) -> Summary:
    """Judge every pair in both orders and write one row each; the output appears when it is whole.

    What an earlier attempt was answered is not asked again.

    Raises:
        ConfigError, InputError: as in `check_judge_files`.
        ModelError: the judge's folder is missing, or no engine can run it.
        StoreError: the output cannot be written.
    """
    check_judge_files(order)
    pairs = join_answers(read_rows(order.a), read_rows(order.b), names=(order.a, order.b))
    ref = model_ref(order.model, settings)
    judging = Judging(model=ref, decoding=order.decoding.decoding(), recipe_seed=order.seed)
    with recorded(lambda: make_engine("generate", order.model, ref, settings), settings) as engine:
        counts = engine.counts
        judged = reported(
            drive(judge_programs(pairs, judging), engine),
            stage="judge",
            total=len(pairs),
            report=report,
            counts=lambda: (counts.replayed, counts.generated, counts.tokens),
        )
        rows = [judged_row(pair, word) for pair, word in zip(pairs, judged, strict=True)]
    write_table(order.output, rows, JUDGED)
    return summarise(rows)
