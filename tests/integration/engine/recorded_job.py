"""A process that answers a list of chats through the record, until it is done or killed.

    python -m tests.integration.engine.recorded_job MODEL_FOLDER STORE_FOLDER

It prints how many answers it holds after each that come.
"""

import sys
from pathlib import Path

import pyarrow.parquet as pq

from evol_core.llm.model_folder import describe
from evol_core.llm.record import MemoryIndex, RecordedEngine
from evol_core.llm.vllm_offline import VllmOffline
from evol_core.recipe import ModelConfig
from evol_core.records import ModelRef
from evol_core.requests import GenerateRequest
from evol_core.store.objects import ObjectStore, StoredObject
from tests.integration.engine.chats import chat

N_ROWS = 16
COMMIT_ROWS = 2


def requests(model: ModelRef) -> list[GenerateRequest]:
    return [
        chat(model, f"Write one line about the number {row}.", max_tokens=6 + row, temperature=1.0, seed=row)
        for row in range(N_ROWS)
    ]


def index_of(store: ObjectStore) -> MemoryIndex:
    """The index of all that lies in a store, made anew: what a database keeps between processes."""
    index = MemoryIndex()
    for path in sorted(store.root.glob("??/*.parquet")):
        table = pq.read_table(path)
        stored = StoredObject(sha256=path.stem, n_bytes=path.stat().st_size, n_rows=table.num_rows, schema_hash="")
        index.register(stored, table)
    return index


def main(folder: Path, root: Path) -> None:
    model, store = describe(folder), ObjectStore(root)
    config = ModelConfig(max_model_len=256, max_num_seqs=4)
    engine = RecordedEngine(
        make_engine=lambda: VllmOffline(folder, model, config),
        store=store,
        index=index_of(store),
        commit_rows=COMMIT_ROWS,
    )
    engine.submit(requests(model))
    n_answers = 0
    while generations := engine.collect():
        n_answers += len(generations)
        print(n_answers, flush=True)
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
