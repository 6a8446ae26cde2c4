"""`evol crosscheck` on real files: AutoIF's own sample where it is there, and recorded replies of every kind."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from evol_core.cli import verify_commands
from evol_core.errors import ConfigError, InputError
from evol_core.sandbox.limits import Limits
from evol_core.sandbox.supervisor import Sandbox
from evol_core.verify.crosscheck import POLICIES
from evol_core.verify.files import CrosscheckSummary, crosscheck_file

PROJECT = Path(__file__).resolve().parents[2]
RECORDED = PROJECT / "tests/data/autoif/replies.jsonl"
SAMPLE = PROJECT.parent / "shared/data/autoif_eval_func_rft.jsonl"

app = typer.Typer()
app.callback()(lambda: None)
verify_commands.register(app)


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with Sandbox(n_workers=2, limits=Limits(case_cpu_s=0.2)) as running:
        yield running


def crosschecked(
    file: Path, folder: Path, sandbox: Sandbox, *, policy: str = "upstream", strict: bool = False
) -> tuple[CrosscheckSummary, list[dict[str, Any]]]:
    output = folder / "out.jsonl"
    summary = crosscheck_file(file, policy, strict, output, sandbox=sandbox)
    return summary, [json.loads(line) for line in output.read_text().splitlines()]


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def reply(source: str, *cases: tuple[object, object]) -> str:
    return json.dumps({"func": source, "cases": [{"input": given, "output": said} for given, said in cases]})


def test_recorded_replies_meet_their_fates(tmp_path: Path, sandbox: Sandbox) -> None:
    summary, rows = crosschecked(RECORDED, tmp_path, sandbox)

    assert [(row["kept"], row["reason"]) for row in rows] == [
        (True, ""),
        (True, ""),
        (False, "too_few_functions"),
        (False, "too_few_functions"),
        (True, ""),
    ]
    reasons = [sorted(f["reason"] for f in row["functions"] if f["reason"]) for row in rows]
    assert reasons[0] == ["constant"]
    assert reasons[1] == ["constant", "keeps_dying", "not_deterministic", "protocol", "violation"]
    assert reasons[2] == ["compile_error", "import_error", "load_error", "no_evaluate"]
    assert reasons[4] == ["low_accuracy"] * 3
    assert [r["reason"] for r in rows[2]["rejected_replies"]] == ["not_json", "no_func", "no_cases", "empty"]
    assert [r["reason"] for r in rows[4]["rejected_cases"]] == ["odd_expectation", "input_not_text", "odd_expectation"]
    assert (summary.instructions, summary.kept, summary.dropped) == (5, 3, {"too_few_functions": 2})


def test_everything_is_accounted_for(tmp_path: Path, sandbox: Sandbox) -> None:
    summary, rows = crosschecked(RECORDED, tmp_path, sandbox)

    assert summary.kept + summary.dropped.total() == summary.instructions == len(rows)
    assert summary.kept_functions + summary.rejected_functions.total() == summary.functions
    for row in rows:
        assert len(row["verdicts"]) == len(row["functions"])
        assert {len(verdicts) for verdicts in row["verdicts"]} <= {len(row["cases"])}
        assert row["kept"] == any(function["kept"] for function in row["functions"]) == (not row["reason"])


def test_a_source_escaped_twice_is_repaired(tmp_path: Path, sandbox: Sandbox) -> None:
    _, rows = crosschecked(RECORDED, tmp_path, sandbox)

    (repaired,) = [f for f in rows[0]["functions"] if "text.lower() == text" in f["source"]]
    assert repaired["kept"]
    assert repaired["source"].startswith("def evaluate(response):\n    text")


def test_the_order_of_replies_and_rows_plays_no_part(tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    draw = random.Random(5)
    for row in rows:
        draw.shuffle(row["gpt-answer"])
    draw.shuffle(rows)

    _, plain = crosschecked(RECORDED, tmp_path, sandbox)
    _, shuffled = crosschecked(write(tmp_path / "in.jsonl", *rows), tmp_path, sandbox)

    def by_instruction(rows: list[dict[str, Any]]) -> dict[str, Any]:
        places = ("rejected_replies", "rejected_cases")
        return {row["instruction"]: {key: row[key] for key in row if key not in places} for row in rows}

    assert by_instruction(shuffled) == by_instruction(plain)


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_kept_follows_from_the_written_matrix(policy: str, tmp_path: Path, sandbox: Sandbox) -> None:
    _, rows = crosschecked(RECORDED, tmp_path, sandbox, policy=policy)

    for row in (row for row in rows if row["kept"]):
        counted = [
            ([verdict == str(case["expected"]).lower() for verdict, case in zip(verdicts, row["cases"], strict=True)])
            for function, verdicts in zip(row["functions"], row["verdicts"], strict=True)
            if function["kept"] or function["reason"] == "low_accuracy"
        ]
        need = len(counted) / 2 if policy == "majority" else 0
        kept = [sum(column) > need for column in zip(*counted, strict=True)]
        assert [case["kept"] for case in row["cases"]] == kept
        accuracies = [sum(a for a, k in zip(agrees, kept, strict=True) if k) / sum(kept) for agrees in counted]
        assert [f["accuracy"] for f in row["functions"] if f["accuracy"] is not None] == accuracies


def test_strict_expectations_leave_texts_as_texts(tmp_path: Path, sandbox: Sandbox) -> None:
    source = "def evaluate(response):\n    return response == 'a'\n"
    file = write(
        tmp_path / "in.jsonl", {"instruction": "Say a", "gpt-answer": [reply(source, ("a", "True"), ("b", 0))]}
    )

    _, (row,) = crosschecked(file, tmp_path, sandbox, policy="paper_scripts")
    assert row["kept"]
    assert [case["expected"] for case in row["cases"]] == [True, False]

    _, (row,) = crosschecked(file, tmp_path, sandbox, policy="paper_scripts", strict=True)
    assert (row["kept"], row["reason"]) == (False, "no_case_kept")
    assert row["cases"] == [
        {"input": "a", "expected": "True", "kept": False},
        {"input": "b", "expected": "0", "kept": False},
    ]


def test_an_instruction_without_any_function_is_a_row(tmp_path: Path, sandbox: Sandbox) -> None:
    file = write(
        tmp_path / "in.jsonl",
        {"instruction": "x", "gpt-answer": ["no", 7, None]},
        {"instruction": "y", "gpt-answer": []},
    )

    _, rows = crosschecked(file, tmp_path, sandbox)

    assert [(row["kept"], row["reason"], row["functions"]) for row in rows] == [(False, "no_valid_function", [])] * 2
    assert rows[0]["rejected_replies"] == [
        {"reply": 0, "reason": "not_json"},
        {"reply": 1, "reason": "not_text"},
        {"reply": 2, "reason": "not_text"},
    ]


def test_a_broken_line_is_named_and_the_others_are_unharmed(tmp_path: Path, sandbox: Sandbox) -> None:
    good = [json.loads(line) for line in RECORDED.read_text().splitlines()[:2]]
    file = write(tmp_path / "in.jsonl", *good)
    broken = (
        b'{"instruction": \n\xff\xfe\n[1]\n{"instruction": " ", "gpt-answer": []}\n{"instruction": "x"}\n' + b"[" * 9999
    )
    file.write_bytes(file.read_bytes() + b"\n" + broken)

    summary, rows = crosschecked(file, tmp_path, sandbox)
    _, alone = crosschecked(write(tmp_path / "good.jsonl", *good), tmp_path, sandbox)

    assert rows == alone
    assert [row.line for row in summary.broken_rows] == [4, 5, 6, 7, 8, 9]
    problems = [row.problem for row in summary.broken_rows]
    assert problems[0].startswith("is not JSON: ")
    assert problems[1].startswith("is not UTF-8: invalid start byte at byte 0")
    assert problems[2] == "is a JSON list; an object with 'instruction' is needed"
    assert problems[3] == "'instruction' must be a text that is not blank, got ' '"
    assert problems[4] == "'gpt-answer' must be a list of replies, got None"
    assert problems[5] == "is not JSON that can be read: nested too deep"


@pytest.mark.parametrize("ending", [".json", ".jsonl", ".parquet"])
def test_each_form_holds_the_same_rows(ending: str, tmp_path: Path, sandbox: Sandbox) -> None:
    source = "def evaluate(response):\n    return len(response) == 1\n"
    file = write(
        tmp_path / "in.jsonl",
        {"instruction": "One letter", "gpt-answer": [reply(source, ("\ud800", True), ("ab", False))]},
    )
    output = tmp_path / f"out{ending}"

    crosscheck_file(file, "paper_scripts", False, output, sandbox=sandbox)

    if ending == ".parquet":
        (row,) = pq.read_table(output).to_pylist()
        assert [(case["input"], case["expected"]) for case in row["cases"]] == [("ab", "false"), ("\ufffd", "true")]
    else:
        text = output.read_text()
        (row,) = json.loads(text) if ending == ".json" else [json.loads(text)]
        assert [(case["input"], case["expected"]) for case in row["cases"]] == [("ab", False), ("\ud800", True)]
    assert row["verdicts"] == [["false", "true"]]
    assert row["kept"]
    assert "seccomp" in row["layers"]
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.parametrize("ending", [".json", ".parquet"])
def test_each_form_can_be_read(ending: str, tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [json.loads(line) for line in RECORDED.read_text().splitlines()[:2]]
    file = tmp_path / f"in{ending}"
    if ending == ".json":
        file.write_text(json.dumps(rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), file)

    _, found = crosschecked(file, tmp_path, sandbox)
    _, plain = crosschecked(write(tmp_path / "lines.jsonl", *rows), tmp_path, sandbox)

    assert found == plain


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "is no file; name one of JSON lines, a JSON array or Parquet"),
        ("bad.json", b"{", "is not JSON"),
        ("object.json", b"{}", "holds a JSON dict; a list of objects is needed"),
        ("bad.parquet", b"PAR1", "is no readable Parquet file"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    name: str, content: bytes | None, message: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(InputError, match=message):
        crosscheck_file(file, "upstream", False, tmp_path / "out.jsonl", sandbox=sandbox)
    assert not (tmp_path / "out.jsonl").exists()


def test_an_output_that_cannot_be_is_refused_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    for output, message in [
        (RECORDED, "is the input itself"),
        (tmp_path / "out.csv", r"must be one of \['.json', '.jsonl', '.ndjson', '.parquet'\]"),
        (tmp_path / "no/out.jsonl", "the folder .*no does not exist"),
    ]:
        with pytest.raises(ConfigError, match=message):
            crosscheck_file(RECORDED, "upstream", False, output, sandbox=sandbox)


def test_the_command_prints_counts_and_ends_with_zero(tmp_path: Path) -> None:
    file, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_text(RECORDED.read_text().splitlines()[0] + "\n")

    done = CliRunner().invoke(app, ["crosscheck", str(file), "--output", str(output), "--policy", "majority", "--json"])

    assert done.exit_code == 0
    assert json.loads(done.stdout)["policy"] == "majority"
    assert len(output.read_text().splitlines()) == 1


def test_the_command_names_broken_lines_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"instruction": "x", "gpt-answer": []}\nnonsense\n')
    output = tmp_path / "out.jsonl"

    done = CliRunner().invoke(app, ["crosscheck", str(file), "--output", str(output)])

    assert done.exit_code == 2
    assert f"{file}:2: is not JSON" in done.stderr
    assert "1 rows of" in done.stderr
    assert len(output.read_text().splitlines()) == 1


def test_the_command_names_the_policies(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["crosscheck", str(RECORDED), "--output", str(tmp_path / "o.jsonl"), "--policy", "vote"]
    )

    assert done.exit_code == 2
    assert "unknown policy 'vote'; known: upstream, paper_scripts, majority" in done.stderr


@pytest.mark.skipif(not SAMPLE.exists(), reason="AutoIF's sample is not beside the project")
def test_the_sample_gives_what_plain_python_gives(tmp_path: Path, sandbox: Sandbox) -> None:
    """Counts that a run of the same functions in one namespace each, outside any sandbox, has given."""
    summary, rows = crosschecked(SAMPLE, tmp_path, sandbox)

    found = [(len(row["functions"]), len(row["cases"]), sum(case["kept"] for case in row["cases"])) for row in rows]
    assert found == [(8, 23, 19), (6, 18, 14), (8, 24, 24), (7, 17, 13), (7, 24, 15)]
    assert [row["kept"] for row in rows].count(True) == 4
    assert summary.kept_functions == 17
