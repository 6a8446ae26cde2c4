"""Scores of a file, and selection by them, on the command line. Neither needs a database or Airflow."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from evol_core.cli.follow import display
from evol_core.cli.output import AsJson, command, emit, say
from evol_core.errors import ConfigError, InputError
from evol_core.job.file_launch import run_file_work
from evol_core.job.folder import JobProgress
from evol_core.pipeline.file_scores import ScoreOrder, check_order, score_file
from evol_core.pipeline.scoring import needed_models
from evol_core.platform.models import PACKAGED, ensure_model
from evol_core.platform.settings import machine_from_environment
from evol_core.publish.selection import Selection, order_of, select, share
from evol_core.publish.selection_file import candidates_from_scores, candidates_of, has_column
from evol_core.recipe.reading import apply_overrides
from evol_core.recipe.scoring import FileScoring
from evol_core.score.metrics import unknown_metrics
from evol_core.store.plain_rows import PlainRows, check_output, read_rows, write_chosen

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="Rows of the alpaca form: .json, .jsonl or .parquet.", show_default=False)
]
Output = Annotated[Path, typer.Option(help="Where the rows go: .json, .jsonl or .parquet.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="As in a recipe: models.default.path=FOLDER, score.form=chat, responder=..."
    ),
]


def register(app: typer.Typer) -> None:
    app.command("score")(score)
    app.command("select")(select_)


@command
def score(
    file: File,
    metrics: Annotated[str, typer.Option(metavar="LIST", help="Names with commas between them.", show_default=False)],
    output: Output,
    set_: Set = None,
    as_json: AsJson = False,
) -> None:
    """Score every row of a file by every metric; a score that cannot be had is null, with its reason."""
    order = ScoreOrder(file=file.absolute(), output=output.absolute(), how=_how(metrics, set_))
    summary = _score(order)
    if as_json:
        emit(summary, as_json=True)
        return
    recalls = "".join(f", {name} {value:.3f}" for name, value in summary.items() if name.startswith("recall_"))
    emit(summary["metrics"], as_json=False, title=f"{file}: {summary['rows']} rows -> {output}{recalls}")


@command
def select_(
    file: File,
    by: Annotated[str, typer.Option(metavar="METRIC", help="The metric to rank by.", show_default=False)],
    percent: Annotated[float, typer.Option(help="Of all rows, at least one row.", show_default=False)],
    output: Output,
    scores: Annotated[
        Path | None, typer.Option(help="Long rows of `evol score`; without it: the file's own column, or new scores.")
    ] = None,
    set_: Set = None,
    as_json: AsJson = False,
) -> None:
    """Choose the best rows of a file by a metric, in order of rank, as they were; ties go to the smaller id."""
    _check_selection(by, percent, output)
    rows = read_rows(file)
    found = _selected(rows, file.absolute(), by, percent, scores, set_)
    write_chosen(output, rows, found.chosen)
    said = {"rows": len(rows.values), "chosen": len(found.chosen), "unscored": found.unscored, "output": str(output)}
    emit(said, as_json=as_json, title=f"{file}: {percent:g}% by {by}, {order_of(by)}")
    if len(found.chosen) < found.wanted:
        raise InputError(
            f"{percent:g}% of {len(rows.values)} rows are {found.wanted}, but only {len(found.chosen)} have a value of "
            f"{by}; these are in {output}. `evol score {file} --metrics {by} --output F` tells why the others have none"
        )


def _check_selection(by: str, percent: float, output: Path) -> None:
    try:
        order_of(by)
        share(1, percent)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    check_output(output)


def _selected(
    rows: PlainRows, file: Path, by: str, percent: float, scores: Path | None, overrides: list[str] | None
) -> Selection:
    if scores is not None:
        candidates = candidates_from_scores(rows.values, _long_rows(scores), by)
    elif has_column(rows.values, by):
        candidates = candidates_of(rows.values, by)
    else:
        with tempfile.TemporaryDirectory(prefix="evol-select-") as folder:
            scored = Path(folder, "scores.parquet")
            say(f"{file.name} has no column {by}; scoring its rows first")
            _score(ScoreOrder(file=file, output=scored, how=_how(by, overrides)))
            candidates = candidates_from_scores(rows.values, _long_rows(scored), by)
    return select(candidates, percent=percent, order=order_of(by))


def _long_rows(path: Path) -> list[dict[str, Any]]:
    rows = read_rows(path).values
    if not all(isinstance(row, dict) and {"row", "metric", "value"} <= row.keys() for row in rows):
        raise InputError(f"--scores {path}: these are no rows of `evol score` (row, metric, value, ...)")
    return list(rows)


def _how(metrics: str, overrides: list[str] | None) -> FileScoring:
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    if not names:
        raise ConfigError("--metrics is empty; name at least one metric, for example --metrics ifd,ic_ifd")
    if problem := unknown_metrics(names):
        raise ConfigError(f"--metrics: {problem}")
    data = FileScoring().model_dump(mode="json")
    apply_overrides(data, overrides or [])
    data["score"]["metrics"] = list(dict.fromkeys(names))
    try:
        return FileScoring.model_validate(data)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ConfigError(f"--set: {said}") from None


def _score(order: ScoreOrder) -> dict[str, Any]:
    """Here where no model is asked, else in the jobs interpreter."""
    machine = machine_from_environment()
    settings = machine.settings("")
    check_order(order)
    read_rows(order.file)
    needed = needed_models(order.how.score, order.how.responder)
    if not needed:
        return score_file(order, settings, lambda progress: None)
    for name in needed:
        if (path := order.how.models[name].path) in PACKAGED:
            ensure_model(path, settings)
    said = {"file": str(order.file), "output": str(order.output), "how": order.how.model_dump(mode="json")}
    with display() as show:
        return run_file_work("score", said, settings, lambda fields: show(JobProgress(heartbeat=0.0, **fields)))
