import json
from pathlib import Path

import pytest

from evol_core.config import Settings
from evol_core.errors import ConfigError, EngineError, InputError
from evol_core.llm.fake import FakeEngine
from evol_core.llm.port import Engine
from evol_core.pipeline.judge_files import JudgeFiles, check_judge_files, judge_files
from evol_core.recipe import DecodingConfig, ModelConfig


def order(folder: Path, a: list[tuple[str, str]], b: list[tuple[str, str]], output: str = "out.jsonl") -> JudgeFiles:
    for name, rows in (("a.jsonl", a), ("b.jsonl", b)):
        lines = (json.dumps({"instruction": text, "output": answer}) for text, answer in rows)
        (folder / name).write_text("\n".join(lines))
    return JudgeFiles(
        a=folder / "a.jsonl",
        b=folder / "b.jsonl",
        output=folder / output,
        model=ModelConfig(path=str(folder / "judge")),
        decoding=DecodingConfig(temperature=0),
    )


def model_folder(folder: Path) -> None:
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")


def test_answers_are_joined_by_instruction_whatever_their_place(tmp_path: Path) -> None:
    model_folder(tmp_path / "judge")
    said = order(tmp_path, [("q1", "good"), ("q2", "bad")], [("q2", "good"), ("q1", "bad")])
    engine = FakeEngine(
        lambda request: (
            "Assistant 1 is better than Assistant 2"
            if str(request).index("good") < str(request).index("bad")
            else "Assistant 2 is better than Assistant 1"
        )
    )

    def make(*about: object) -> Engine:
        return engine

    settings = Settings(home=tmp_path, database_url="", jobs_python=Path("python"))
    summary = judge_files(said, settings, lambda progress: None, make)

    rows = [json.loads(line) for line in said.output.read_text().splitlines()]
    assert [(row["row"], row["verdict"]) for row in rows] == [(0, "win"), (1, "lose")]
    assert rows[0]["first_text"] == "Assistant 1 is better than Assistant 2"
    assert (summary.win, summary.lose, summary.n) == (1, 1, 2)


def test_a_command_that_died_asks_only_what_was_not_answered(tmp_path: Path) -> None:
    model_folder(tmp_path / "judge")
    said = order(tmp_path, [(f"q{n}", "x") for n in range(4)], [(f"q{n}", "y") for n in range(4)])
    settings = Settings(home=tmp_path / "home", database_url="", jobs_python=Path("python"))
    engines = [FakeEngine(lambda request: "Assistant 1 is equal to Assistant 2", fail_after=n) for n in (3, None)]
    made = iter(engines)
    with pytest.raises(EngineError):
        judge_files(said, settings, lambda progress: None, lambda *about: next(made))
    assert not said.output.exists()

    summary = judge_files(said, settings, lambda progress: None, lambda *about: next(made))

    assert (summary.n, summary.tie) == (4, 4)
    assert len(engines[1].submitted) == 2 * 4 - 3, "both orders of four pairs, less what the first attempt was told"


def test_unequal_sets_are_refused_by_name(tmp_path: Path) -> None:
    said = order(tmp_path, [("q1", "x"), ("Name a river.", "x")], [("q1", "y")])
    with pytest.raises(InputError, match=r"a\.jsonl holds 1 .*b\.jsonl does not answer .*Name a river"):
        check_judge_files(said)
    said = order(tmp_path, [("q1", "x")], [("q1", "y"), ("Name a river.", "x")])
    with pytest.raises(InputError, match=r"b\.jsonl holds 1 instructions that .*a\.jsonl"):
        check_judge_files(said)


def test_an_instruction_that_is_answered_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.jsonl: 1 rows hold .* \(row 1 as row 0\)"):
        check_judge_files(order(tmp_path, [("q1", "x"), ("q1", "z")], [("q1", "y")]))


def test_a_row_that_is_no_answer_is_refused(tmp_path: Path) -> None:
    said = order(tmp_path, [("q1", "x")], [("q1", "y")])
    said.b.write_text("no json\n")
    with pytest.raises(InputError, match=r"b\.jsonl: 1 rows are no answers \(row 0: not_a_row\)"):
        check_judge_files(said)


def test_the_output_is_none_of_the_inputs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is one of the inputs"):
        check_judge_files(order(tmp_path, [("q1", "x")], [("q1", "y")], output="b.jsonl"))
