"""`evol score` and `evol select`: every row is there, whatever is wrong with it, and errors say what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evol_core.__main__ import app
from evol_core.config import Settings
from evol_core.errors import ConfigError
from evol_core.llm.fake import FakeEngine
from evol_core.pipeline.file_scores import ScoreOrder, score_file
from evol_core.recipe import FileScoring
from evol_core.records import Losses, Measured
from evol_core.requests import EmbedRequest, LossRequest, Request
from evol_core.store.plain_rows import read_rows

Reply = Callable[[Request], Losses | str | Measured]

ROWS: list[Any] = [
    {"instruction": "Add.", "input": "1 and 2", "output": "It is 3."},
    {"instruction": 5},
    {"instruction": "Say nothing.", "output": ""},
    {"instruction": "\ud800", "output": "x"},
    {"instruction": "Add.", "input": "1 and 2", "output": "3!"},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS) + "no json\n")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for name in ("smollm2", "all-mpnet-base-v2"):
        folder = tmp_path / "home/models" / name
        folder.mkdir(parents=True)
        for part in ("config.json", "tokenizer.json", "model.safetensors"):
            (folder / part).write_text("{}")
    return Settings(home=tmp_path / "home", database_url="", jobs_python=Path("python"))


def reply(request: Request) -> Losses | str | Measured:
    if isinstance(request, LossRequest):
        return Losses(question=4.0, given=1.0, alone=2.0, n_question=3, n_answer=1, n_alone=1)
    if isinstance(request, EmbedRequest):
        return Measured(reason="over_context")
    return "70"


def scored(
    file: Path, settings: Settings, *metrics: str, say: Reply = reply, **how: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    output = file.with_name("scores.parquet")
    whole = FileScoring(score=FileScoring().score.model_copy(update={"metrics": metrics}), **how)
    order = ScoreOrder(file=file, output=output, how=whole)
    summary = score_file(order, settings, lambda progress: None, lambda *about: FakeEngine(say))
    return list(read_rows(output).values), summary


def test_every_row_has_a_line_for_every_metric_and_every_null_a_reason(file: Path, settings: Settings) -> None:
    lines, summary = scored(file, settings, "ifd", "length_words", "difficulty_score")

    assert [(line["row"], line["metric"]) for line in lines] == [
        (row, metric) for row in range(6) for metric in ("ifd", "length_words", "difficulty_score")
    ]
    assert [(line["value"], line["reason"]) for line in lines if line["metric"] == "ifd"] == [
        (0.5, ""),
        (None, "not_text"),
        (0.5, ""),
        (None, "not_unicode"),
        (0.5, ""),
        (None, "not_a_row"),
    ]
    assert summary["rows"] == 6
    assert summary["metrics"][1] == {
        "metric": "length_words",
        "scored": 4,
        "mean": 1.25,
        "figure": 1.25,
        "null": {"not_text": 1, "not_a_row": 1},
    }


def test_the_figure_of_ratios_is_100_times_their_mean_beside_how_many_could_not_be_scored(
    file: Path, settings: Settings
) -> None:
    def one_is_empty(request: Request) -> Losses:
        assert isinstance(request, LossRequest)
        alone = 2.0 if request.response else None
        return Losses(question=4.0, given=1.0, alone=alone, n_question=3, n_answer=1, n_alone=1, reason="empty_answer")

    _, summary = scored(file, settings, "ifd", "ic_ifd", "instruction_loss", say=one_is_empty)

    figures = [(line["metric"], line["figure"], line["scored"]) for line in summary["metrics"]]
    assert figures == [("ifd", 50.0, 2), ("ic_ifd", 12.5, 2), ("instruction_loss", 4.0, 3)]
    assert summary["metrics"][0]["null"] == {"not_text": 1, "empty_answer": 1, "not_unicode": 1, "not_a_row": 1}


def test_a_metric_that_a_model_is_missing_for_is_refused_before_any_is_loaded(file: Path, settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"they ask a model that is not named; .*--set score.reward=reward"):
        scored(file, settings, "reward_response")


ESSAYS = (
    "This task has 3 parts, and I would say that each is harder than the one before it. " * 2000,
    "Hard to say! On the one hand it is easy, on the other hand it is very hard.",
)


@pytest.mark.parametrize("essay", ESSAYS)
@pytest.mark.parametrize("metric", ["difficulty_score", "difficulty_level"])
def test_a_judge_that_writes_essays_gives_no_value_and_is_counted(
    file: Path, settings: Settings, metric: str, essay: str
) -> None:
    lines, summary = scored(file, settings, metric, say=lambda request: f"{essay}\nPoints: 60 or 70")

    assert [(line["value"], line["reason"]) for line in lines if line["row"] in (0, 2, 4)] == [(None, "unparsed")] * 3
    assert summary["metrics"] == [
        {
            "metric": metric,
            "scored": 0,
            "mean": None,
            "figure": None,
            "null": {"unparsed": 3, "not_text": 1, "not_unicode": 1, "not_a_row": 1},
        }
    ]


def test_the_command_scores_without_a_model_here_and_selects_in_order_of_rank(file: Path, tmp_path: Path) -> None:
    run, output = CliRunner(), tmp_path / "long.jsonl"

    said = run.invoke(app(), ["score", str(file), "--metrics", "length_chars", "--output", str(output), "--json"])

    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["metrics"][0]["scored"] == 4
    chosen = tmp_path / "chosen.json"
    said = run.invoke(app(), ["select", str(file), "--by", "length_chars", "--percent", "50", "--output", str(chosen)])
    assert said.exit_code == 0, said.output
    assert json.loads(chosen.read_text()) == [ROWS[2], ROWS[3], ROWS[4]]
    again = tmp_path / "again.json"
    by = ["--by", "length_chars", "--percent", "50", "--scores", str(output)]
    run.invoke(app(), ["select", str(file), *by, "--output", str(again)])
    assert again.read_text() == chosen.read_text()


def test_the_command_tells_a_person_the_recall_of_an_approximate_search(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"rows": 6, "metrics": [{"metric": "nearest_instruction", "scored": 4}], "recall_instruction": 0.9874}
    monkeypatch.setattr("evol_core.cli.score_commands._score", lambda order: said)
    output = str(tmp_path / "o.jsonl")

    shown = CliRunner().invoke(app(), ["score", str(file), "--metrics", "nearest_instruction", "--output", output])

    assert "recall_instruction 0.987" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "FILE", "--metrics", "beauty", "--output", "o.jsonl"], "unknown metrics ['beauty']; known: ["),
        (["score", "FILE", "--metrics", ",", "--output", "o.jsonl"], "--metrics is empty; name at least one"),
        (["score", "FILE", "--metrics", "ifd", "--output", "o.csv"], "must be one of ['.json', '.jsonl'"),
        (["score", "gone.jsonl", "--metrics", "length_chars", "--output", "o.jsonl"], "gone.jsonl does not exist"),
        (
            ["score", "FILE", "--metrics", "ifd", "--output", "o.jsonl", "--set", "score.form=loud"],
            "--set: score.form:",
        ),
        (["select", "FILE", "--by", "beauty", "--percent", "5", "--output", "o.jsonl"], "has no order to select by"),
        (["select", "FILE", "--by", "ifd", "--percent", "0", "--output", "o.jsonl"], "percent must be above 0"),
    ],
)
def test_what_cannot_be_is_named(
    arguments: list[str], message: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    said = CliRunner().invoke(app(), [str(file) if one == "FILE" else one for one in arguments])

    assert said.exit_code == 2
    assert message in said.stderr


def test_too_few_scored_rows_are_an_error_that_leaves_what_there_is(tmp_path: Path) -> None:
    file, output = tmp_path / "rows.json", tmp_path / "chosen.json"
    file.write_text(json.dumps([{"instruction": "a", "ifd": 0.5}, {"instruction": "b", "ifd": None}]))

    said = CliRunner().invoke(app(), ["select", str(file), "--by", "ifd", "--percent", "100", "--output", str(output)])

    assert said.exit_code == 2
    assert "100% of 2 rows are 2, but only 1 have a value of ifd" in said.stderr
    assert json.loads(output.read_text()) == [{"instruction": "a", "ifd": 0.5}]
