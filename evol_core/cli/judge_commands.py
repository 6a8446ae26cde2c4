"""Pairwise judging of two files on the command line."""

from pathlib import Path
from typing import Annotated, Any

import typer

from evol_core.cli.follow import display
from evol_core.cli.output import AsJson, command, emit, say
from evol_core.config import Settings
from evol_core.errors import EngineError
from evol_core.job.file_launch import run_file_work
from evol_core.job.folder import JobProgress
from evol_core.judge.pairwise import ENGINE_ERROR
from evol_core.pipeline.judge_files import JudgeFiles, check_judge_files
from evol_core.platform.models import PACKAGED, ensure_model
from evol_core.platform.settings import machine_from_environment
from evol_core.recipe import DecodingConfig, ModelConfig

Answers = Annotated[Path, typer.Argument(help='Rows of {"instruction", "input", "output"}.', show_default=False)]


def register(app: typer.Typer) -> None:
    app.command("judge")(judge)


@command
def judge(
    a: Answers,
    b: Answers,
    output: Annotated[Path, typer.Option(help="Where the verdicts go: .jsonl, .json or .parquet.", show_default=False)],
    model: Annotated[str, typer.Option(help="The judge: a model folder, or a model of the platform.")] = "smollm2",
    max_tokens: Annotated[int, typer.Option(min=1, help="Of the judge's reply.")] = 512,
    max_model_len: Annotated[int, typer.Option(min=16, help="The judge's context, tokens.")] = 4096,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="0 is greedy.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of every draw, where the temperature is not 0.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Have a model compare two files of answers, each pair in both orders; verdicts are those of A."""
    order = JudgeFiles(
        a=a.absolute(),
        b=b.absolute(),
        output=output.absolute(),
        model=ModelConfig(path=_place(model), max_model_len=max_model_len),
        decoding=DecodingConfig(temperature=temperature, top_p=1.0, max_tokens=max_tokens),
        seed=seed,
    )
    check_judge_files(order)
    summary = _run(order)
    emit(_record(summary) if not as_json else {**summary, "output": str(output)}, as_json=as_json, title=f"{a} : {b}")
    if not as_json:
        emit([_bin(one) for one in summary["by_length"]], as_json=False, title="by length")
    if failed := summary["unparsed_by_reason"].get(ENGINE_ERROR, 0):
        raise EngineError(
            f"{failed} of {summary['n']} pairs could not be asked, for the judge's context of {max_model_len} tokens "
            f"or another error of its engine; they are in {output} as unparsed. Raise --max-model-len"
        )
    say(f"{output} holds {summary['n']} verdicts")


def _place(model: str) -> str:
    """A folder as an absolute path, since the worker starts elsewhere; a name as it is."""
    folder = Path(model).expanduser()
    return str(folder.absolute()) if folder.is_dir() else model


def _run(order: JudgeFiles) -> dict[str, Any]:
    machine = machine_from_environment()
    settings = Settings(home=machine.home, database_url="", jobs_python=machine.jobs_python)
    if order.model.path in PACKAGED:
        ensure_model(order.model.path, settings)
    said = {
        "a": str(order.a),
        "b": str(order.b),
        "output": str(order.output),
        "model": order.model.model_dump(mode="json"),
        "decoding": order.decoding.model_dump(mode="json"),
        "seed": order.seed,
    }
    with display() as show:
        return run_file_work("judge", said, settings, lambda fields: show(JobProgress(heartbeat=0.0, **fields)))


def _record(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary without its table by length; intervals as a person writes them."""
    shown = {name: value for name, value in summary.items() if name != "by_length"}
    return {**shown, **{name: interval_text(summary[name]) for name in ("win_rate", "flip_rate", "longer_wins")}}


def _bin(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "win_rate": interval_text(one["win_rate"])}


def interval_text(interval: list[float] | None) -> str | None:
    """`0.52 [0.41, 0.63]`."""
    return "{:.3f} [{:.3f}, {:.3f}]".format(*interval) if interval else None
