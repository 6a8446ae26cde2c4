"""The rows of AutoIF's stages, without a model, a sandbox or a database."""

from pathlib import Path
from typing import Any

import pytest

from evol_core.config import Settings
from evol_core.errors import ConfigError, JobFailed, RecipeError, SeedError
from evol_core.pipeline.autoif import OVER_LIMIT, line_rows
from evol_core.pipeline.autoif_checks import LOW_PASS_RATE, checked_row
from evol_core.pipeline.autoif_parts import check_autoif, counted
from evol_core.pipeline.autoif_rows import NO_BAD, NO_GOOD, NOT_CHECKED, paired, unpaired_row
from evol_core.recipe import AutoifRecipe, parse_recipe, read_recipe
from evol_core.records import RequestHash
from evol_core.sandbox.jobs import CheckVerdict
from evol_core.verify.checks import CheckedResponse
from evol_core.verify.constraints import LineReject, RejectedLine
from evol_core.verify.self_instruct import Constraint, Proposed
from evol_core.verify.tables import Row

TRUE, FALSE, LOST = CheckVerdict.TRUE, CheckVerdict.FALSE, CheckVerdict.LOST


def recipe(
    tmp_path: Path, queries: str = "What is the longest river?\n", queries_at: str = "queries.txt", **changes: Any
) -> AutoifRecipe:
    (tmp_path / "constraints.txt").write_text("Use one word\n")
    (tmp_path / "queries.txt").write_text(queries)
    data: dict[str, Any] = {
        "name": "x",
        "flow": "autoif",
        "seeds": [{"path": "constraints.txt"}],
        "queries": [{"path": queries_at}],
    }
    parsed = parse_recipe(data | changes, origin="test").from_folder(tmp_path)
    assert isinstance(parsed, AutoifRecipe)
    return parsed


def check(given: AutoifRecipe, tmp_path: Path) -> None:
    check_autoif(given, Settings(home=tmp_path, database_url="", jobs_python=Path("python")))


def test_off_is_off_however_yaml_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: x\nflow: autoif\nseeds: [{path: c.txt}]\nqueries: [{path: q.txt}]\n"
                    "back_translation: {nli: off}\n")  # fmt: skip

    given = read_recipe(path)

    assert isinstance(given, AutoifRecipe)
    assert given.back_translation.nli == "off"
    assert "back_translation.nli" not in given.roles
    assert given.queries[0].path == str(tmp_path / "q.txt")


def test_a_classifier_writes_nothing(tmp_path: Path) -> None:
    models = {"default": {"path": "a"}, "nli": {"path": "b", "engine": "nli"}}

    assert recipe(tmp_path, models=models, back_translation={"nli": "nli"}).roles["back_translation.nli"] == "nli"
    with pytest.raises(RecipeError, match=r"responses.model names 'nli', a model of engine nli, which writes no text"):
        recipe(tmp_path, models=models, responses={"model": "nli"})


def test_where_and_how_change_no_recipe(tmp_path: Path) -> None:
    one = recipe(tmp_path)

    assert one.hash == recipe(tmp_path, sandbox={"workers": 7}, shards=3).hash
    assert one.hash == one.from_folder(Path("/elsewhere")).hash
    assert one.hash != recipe(tmp_path, crosscheck={"policy": "majority"}).hash


def test_what_is_wrong_is_found_before_any_engine(tmp_path: Path) -> None:
    check(recipe(tmp_path), tmp_path)
    with pytest.raises(ConfigError, match=r"require_layers: unknown layers \['moat'\]; known: "):
        check(recipe(tmp_path, sandbox={"require_layers": ["moat"]}), tmp_path)
    with pytest.raises(SeedError, match="queries: none of 1 entries is a query of 21 to 299 characters"):
        check(recipe(tmp_path, queries="Why?\n"), tmp_path)
    gone = recipe(tmp_path, queries_at="no.txt")
    with pytest.raises(SeedError, match=r"queries\.0\.path: .*no\.txt does not exist"):
        check(gone, tmp_path)


def test_every_line_and_every_failed_request_is_a_row() -> None:
    request = RequestHash("a" * 64)
    proposed = Proposed(
        constraints=(
            Constraint(text="Use one word", origin="seed"),
            Constraint(text="Use two words", origin="self_instruct", request=request),
        ),
        rejected=(RejectedLine("hm", 0, LineReject.TOO_SHORT),),
        requests=(request, RequestHash("b" * 64)),
        failed=(RequestHash("b" * 64),),
    )

    rows = list(line_rows(proposed, limit=1))

    assert [(row["line"], row["ordinal"], row["status"], row["reason"]) for row in rows] == [
        (0, 0, "accepted", ""),
        (1, None, "rejected", OVER_LIMIT),
        (2, None, "rejected", "too_short"),
        (3, None, "failed", "engine_error"),
    ]
    assert [row["request_hash"] for row in rows] == [None, request, request, "b" * 64]
    assert sum(counted(rows).values()) == 4


def response(text: str = "a", **said: Any) -> Row:
    row = {"task": 5, "instruction_id": "i", "instruction": "Do it.", "input": "", "constraint_id": "c",
           "constraint": "k", "query": "q", "query_id": "p", "response": text, "status": "accepted", "reason": "",
           "pass_rate": None}  # fmt: skip
    return row | said


@pytest.mark.parametrize(("keep", "status"), [("any", "accepted"), ("majority", "rejected"), ("most", "rejected")])
def test_half_of_the_checkers_are_enough_for_some_rules(keep: str, status: str) -> None:
    row = checked_row(response(), CheckedResponse(verdicts=(TRUE, FALSE), layers=("seccomp",)), keep)

    assert (row["pass_rate"], row["status"]) == (0.5, status)
    assert row["reason"] == ("" if status == "accepted" else LOW_PASS_RATE)
    assert (row["verdicts"], row["layers"]) == (["true", "false"], ["seccomp"])


def test_a_lost_verdict_is_never_counted() -> None:
    with pytest.raises(JobFailed, match="the sandbox ended under a checker of constraint c; run the stage again"):
        checked_row(response(), CheckedResponse(verdicts=(TRUE, LOST), layers=()), "any")


@pytest.mark.parametrize(
    ("rates", "reason"), [((None, None), NOT_CHECKED), ((0.5, 1.0), NO_BAD), ((0.0, 0.0), NO_GOOD)]
)
def test_a_task_without_a_pair_says_why(rates: tuple[float | None, ...], reason: str) -> None:
    task = [response(str(number), pass_rate=rate) for number, rate in enumerate(rates)]

    assert paired(task, 0, ["f"]) == []
    assert (unpaired_row(task)["status"], unpaired_row(task)["reason"]) == ("rejected", reason)


def test_pairs_are_numbered_apart_from_those_of_other_tasks() -> None:
    task = [response(text, pass_rate=rate) for text, rate in (("a", 1.0), ("b", 0.0), ("c", 0.5), ("d", 0.2))]

    pairs = paired(task, 0, ["f"])

    assert [row["ordinal"] for row in pairs] == [20, 21]
    assert {(row["chosen"], row["rejected"]) for row in pairs} == {("a", "b"), ("c", "b")}
