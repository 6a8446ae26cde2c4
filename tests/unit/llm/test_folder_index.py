import logging
from pathlib import Path

import pytest

from evol_core.llm.fake import FakeEngine
from evol_core.llm.folder_index import FolderIndex
from evol_core.llm.record import RecordedEngine
from evol_core.records import Generation, ModelRef
from evol_core.requests import Decoding, GenerateRequest, Message
from evol_core.store.objects import ObjectStore

ASKED = [
    GenerateRequest(
        model=ModelRef(name="judge", revision="r", tokenizer="t"),
        messages=(Message("user", f"question {number}"),),
        decoding=Decoding(temperature=0.0, top_p=1.0, max_tokens=8),
        seed=0,
    )
    for number in range(3)
]


def ask(folder: Path, requests: list[GenerateRequest], say: str, index: FolderIndex | None = None) -> dict[str, str]:
    """The answers of a command that begins now, or that read the folder before."""
    store = ObjectStore(folder)
    engine = RecordedEngine(
        make_engine=lambda: FakeEngine(lambda request: say), store=store, index=index or FolderIndex(store)
    )
    engine.submit(requests)
    found: list[Generation] = []
    while len(found) < len(requests):
        found += engine.collect()
    engine.close()
    return {one.request_hash: one.text for one in found}


def test_what_one_command_was_answered_another_one_is_not_asked(tmp_path: Path) -> None:
    ask(tmp_path, ASKED[:2], "first")

    found = ask(tmp_path, ASKED, "second")

    assert [found[request.hash] for request in ASKED] == ["first", "first", "second"]


def test_of_two_commands_at_once_the_one_that_answers_first_answers_for_both(tmp_path: Path) -> None:
    late = FolderIndex(ObjectStore(tmp_path))
    ask(tmp_path, ASKED[:2], "first")

    found = ask(tmp_path, ASKED, "second", late)

    assert [found[request.hash] for request in ASKED] == ["first", "first", "second"]


def test_answers_of_a_damaged_table_are_said_and_asked_for_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ask(tmp_path, ASKED[:1], "first")
    (path,) = tmp_path.glob("??/*.parquet")
    path.write_bytes(path.read_bytes()[:-8])

    with caplog.at_level(logging.WARNING):
        found = ask(tmp_path, ASKED[:1], "second")

    assert found == {ASKED[0].hash: "second"}
    assert f"answers of {path.stem} are asked for again" in caplog.text
