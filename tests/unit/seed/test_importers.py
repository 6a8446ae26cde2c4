import io
import json
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evol_core.recipe import SeedSource
from evol_core.records import Instruction
from evol_core.seed.importers import IMPORTERS
from evol_core.seed.item import Unreadable
from tests.unit.seed.conftest import Write, read

ADD = Instruction(text="Add the numbers.", input="2 and 3")
RIVER = Instruction(text="Name a river.")


def parquet(*rows: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), buffer)
    return buffer.getvalue()


def turns(*said: tuple[str, str]) -> str:
    return json.dumps({"conversations": [{"from": who, "value": what} for who, what in said]})


ALPACA = {"instruction": ADD.text, "input": ADD.input, "output": "5"}
TASK = {"id": "t1", "instruction": ADD.text, "instances": [{"input": ADD.input, "output": "5"}, {"input": "1"}]}

FILES: list[tuple[str, str, str | bytes, Instruction, str | None]] = [
    ("alpaca", "a.json", json.dumps([ALPACA], indent=2), ADD, "5"),
    ("alpaca", "a.jsonl", json.dumps(ALPACA), ADD, "5"),
    ("alpaca", "array.jsonl", json.dumps([ALPACA], indent=2), ADD, "5"),
    ("alpaca", "lines.json", json.dumps(ALPACA), ADD, "5"),
    ("alpaca", "bare.jsonl", '{"instruction": "Name a river.", "input": null}', RIVER, None),
    ("alpaca", "mark.json", b"\xef\xbb\xbf" + json.dumps([ALPACA]).encode(), ADD, "5"),
    ("alpaca", "mark.jsonl", b"\xef\xbb\xbf" + json.dumps(ALPACA).encode(), ADD, "5"),
    ("gsm8k", "g.jsonl", '{"question": "Name a river.", "answer": "#### Po"}', RIVER, "#### Po"),
    ("self_instruct", "s.jsonl", json.dumps(TASK), ADD, "5"),
    ("sharegpt", "c.json", f"[{turns(('system', 'Be kind.'), ('human', RIVER.text), ('gpt', 'Po'))}]", RIVER, "Po"),
    ("sharegpt", "c.jsonl", turns(("human", RIVER.text)), RIVER, None),
    ("sharegpt", "twice.jsonl", turns(("human", RIVER.text), ("human", "Well?")), RIVER, None),
    ("lines", "l.txt", "\n  Name a river.\n\n", RIVER, None),
    ("parquet", "p.parquet", parquet(ALPACA), ADD, "5"),
    ("parquet", "q.parquet", parquet({"question": RIVER.text, "answer": "Po"}), RIVER, "Po"),
]


@pytest.mark.parametrize("named", [True, False], ids=["named", "auto"])
@pytest.mark.parametrize(("format", "name", "content", "instruction", "output"), FILES, ids=[f[1] for f in FILES])
def test_each_format_is_read_by_its_name_and_found_by_itself(
    write: Write,
    named: bool,
    format: str,
    name: str,
    content: str | bytes,
    instruction: Instruction,
    output: str | None,
) -> None:
    source = write(name, content, format=format if named else "auto")

    (seed,) = read([source]).seeds

    assert (seed.instruction, seed.output) == (instruction, output)
    assert (seed.source, seed.licence, seed.ordinal) == (name, "CC0-1.0", 0)


@pytest.mark.parametrize("name", IMPORTERS)
@pytest.mark.parametrize("entry", [None, 7, [], {}, {"unknown": "x"}, {"instruction": 7, "question": 7}])
def test_every_importer_gives_a_reason_for_what_is_not_of_its_format(name: str, entry: object) -> None:
    with pytest.raises(Unreadable, match=r"^[a-z][a-z0-9_]+$"):
        IMPORTERS[name](entry)


def test_the_recipe_knows_the_formats_of_the_table() -> None:
    assert set(get_args(SeedSource.model_fields["format"].annotation)) == {"auto", *IMPORTERS}


@pytest.mark.parametrize(
    ("format", "entry", "reason"),
    [
        ("alpaca", ["Name a river."], "not_an_object"),
        ("alpaca", {"input": "x"}, "no_instruction"),
        ("alpaca", {"instruction": ["Name", "a river"]}, "instruction_is_no_text"),
        ("alpaca", {"instruction": "Add.", "input": 5}, "input_is_no_text"),
        ("gsm8k", {"question": "Why?", "answer": 4}, "answer_is_no_text"),
        ("self_instruct", {"instruction": "Add.", "instances": []}, "no_instances"),
        ("self_instruct", {"instruction": "Add.", "instances": ["x"]}, "not_an_object"),
        ("sharegpt", {"conversations": "hello"}, "no_conversations"),
        ("sharegpt", {"conversations": [{"from": "gpt", "value": "Hello"}]}, "no_human_turn"),
        ("sharegpt", {"conversations": [{"from": "human"}]}, "no_value"),
        ("parquet", {"question": None}, "question_is_no_text"),
    ],
)
def test_a_broken_entry_is_told_by_what_is_wrong_with_it(format: str, entry: object, reason: str) -> None:
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        IMPORTERS[format](entry)
