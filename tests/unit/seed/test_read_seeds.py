import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from evol_core.recipe import SeedSource
from evol_core.records import InstructionId
from tests.unit.seed.conftest import Found, Write, read

TEXTS = st.lists(st.text(st.sampled_from("aAbB \n\0\u0301\ud800"), max_size=4), max_size=12)
NAMES = st.lists(st.sampled_from([f"Task {letter}." for letter in "abcdefgh"]), max_size=8, unique=True)


def read_texts(texts: list[str], previous: dict[InstructionId, int] | None = None) -> Found:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "seeds.jsonl"
        path.write_text("".join(json.dumps({"instruction": text}) + "\n" for text in texts))
        return read([SeedSource(path=str(path), format="alpaca")], previous)


def ordinals(batch: Found) -> dict[InstructionId, int]:
    return {seed.instruction.id: seed.ordinal for seed in batch.seeds}


@given(TEXTS)
def test_every_item_is_a_seed_or_refused(texts: list[str]) -> None:
    batch = read_texts(texts)

    assert batch.n_items == len(texts) == len(batch.seeds) + len(batch.refused)
    lines = [seed.line for seed in batch.seeds] + [one.line for one in batch.refused]
    assert sorted(lines) == list(range(1, len(texts) + 1))
    assert len({seed.instruction.text.casefold() for seed in batch.seeds}) == len(batch.seeds)


@given(NAMES, NAMES)
def test_rows_that_come_and_go_change_no_other_rows_number(before: list[str], after: list[str]) -> None:
    earlier = ordinals(read_texts(before))
    later = ordinals(read_texts(after, earlier))

    assert {one: number for one, number in later.items() if one in earlier} == {
        one: number for one, number in earlier.items() if one in later
    }
    new = [number for one, number in later.items() if one not in earlier]
    assert new == list(range(len(before), len(before) + len(new)))


def test_numbers_follow_the_file_where_nothing_went_before() -> None:
    assert [seed.ordinal for seed in read_texts(["c", "a", "b"]).seeds] == [0, 1, 2]


def test_a_number_that_was_ever_given_is_not_given_again() -> None:
    left = {one: number for one, number in ordinals(read_texts(["a", "b", "c"])).items() if number != 1}

    seeds = read_texts(["d", "a"], left).seeds

    assert [(seed.ordinal, seed.instruction.text) for seed in seeds] == [(0, "a"), (3, "d")]


def test_empty_and_repeated_instructions_are_rejected_and_the_first_is_kept() -> None:
    batch = read_texts(["Name a  River.", " \n", "name a river.", "Name a river"])

    assert [seed.instruction.text for seed in batch.seeds] == ["Name a  River.", "Name a river"]
    assert [(one.line, one.status.value, one.reason) for one in batch.refused] == [
        (2, "rejected", "empty"),
        (3, "rejected", "duplicate"),
    ]


def test_the_same_instruction_on_another_input_is_another_seed(write: Write) -> None:
    rows = [{"instruction": "Add.", "input": "1 2"}, {"instruction": "Add.", "input": "3"}, {"instruction": "Add. 3"}]
    source = write("a.json", json.dumps(rows))

    assert [seed.ordinal for seed in read([source]).seeds] == [0, 1, 2]


def test_sources_are_one_set_in_their_order(write: Write) -> None:
    first, second = write("a.txt", "One.\nTwo."), write("b.txt", "two.\nThree.", licence="MIT")

    batch = read([first, second])

    assert [(seed.instruction.text, seed.source, seed.licence) for seed in batch.seeds] == [
        ("One.", "a.txt", "CC0-1.0"),
        ("Two.", "a.txt", "CC0-1.0"),
        ("Three.", "b.txt", "MIT"),
    ]
    assert [(one.source, one.line, one.reason) for one in batch.refused] == [("b.txt", 1, "duplicate")]
