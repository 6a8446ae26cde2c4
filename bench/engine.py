"""How much of vLLM's own speed is left behind our streaming, the record and its commits.

    .venv-jobs/bin/python -m bench.engine MODEL_FOLDER [--rows 128] [--runs 2] [--max-tokens 96] [--recorded OBJECTS]

With --recorded the prompts are those that a build has asked and recorded in its object store, as they were.

The same prompts in one process and one engine, in turn: vLLM's own `LLM.generate`, with its prompts rendered
beforehand and no log-probabilities, and the whole path of a build: rendering, streaming, log-probabilities, chunks
of Parquet on disk, the index. Rows are counted, and every answer is held against the other's: in float32 they agree.
The goal: a ratio of at least 0.95.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from evol_core.llm.model_folder import describe
from evol_core.llm.record import MemoryIndex, RecordedEngine
from evol_core.llm.vllm_offline import VllmOffline
from evol_core.recipe import ModelConfig
from evol_core.records import Generation, ModelRef, RequestHash
from evol_core.requests import Decoding, GenerateRequest, Message, Request
from evol_core.store.objects import ObjectStore

SUBJECTS = ("a bakery", "a fishing village", "prime numbers", "the water cycle", "a chess club", "old maps", "bees")
TASKS = (
    "Explain {} to a child.",
    "Write a short letter about {}.",
    "List five questions that a journalist could ask about {}.",
    "Invent a word problem about {} and solve it step by step.",
)


class Unclosed:
    """One engine for all runs: each run's record may close what it was lent, and nothing happens."""

    def __init__(self, engine: VllmOffline) -> None:
        self.name = engine.name
        self.submit, self.collect, self.poll = engine.submit, engine.collect, engine.poll

    def close(self) -> None:
        """The owner closes it."""


def requests(model: ModelRef, rows: int, max_tokens: int) -> list[GenerateRequest]:
    """Chats of mixed lengths, a quarter to all of max_tokens to answer each."""
    draw = random.Random(0)
    return [
        GenerateRequest(
            model=model,
            messages=(
                Message("user", f"{draw.choice(TASKS).format(draw.choice(SUBJECTS))} Mention the number {row}."),
            ),
            decoding=Decoding(temperature=0.7, top_p=0.95, max_tokens=draw.randint(max_tokens // 4, max_tokens)),
            seed=row,
        )
        for row in range(rows)
    ]


def recorded_requests(store: ObjectStore, model: ModelRef, rows: int) -> list[GenerateRequest]:
    """The first chats that builds have recorded for these weights, in the order of their objects' names."""
    found: list[GenerateRequest] = []
    for path in sorted(store.root.glob("*/*.parquet")):
        if (pq.read_schema(path).metadata or {}).get(b"evol.table") == b"generations":
            rows_of = pq.read_table(path, columns=["kind", "model_revision", "request"]).to_pylist()
            found += [
                _request(json.loads(row["request"]))
                for row in rows_of
                if row["kind"] == "generate" and row["model_revision"] == model.revision
            ]
    return found[:rows]


def _request(said: dict[str, Any]) -> GenerateRequest:
    return GenerateRequest(
        model=ModelRef(**said["model"]),
        messages=tuple(Message(*message) for message in said["messages"]),
        decoding=Decoding(**said["decoding"]),
        sample=said["sample"],
        seed=said["seed"],
    )


class Run(NamedTuple):
    texts: list[str]
    tokens: int
    seconds: float
    cpu_seconds: float
    """Of this process: on a CPU a measure that other processes disturb less."""

    def __str__(self) -> str:
        return (
            f"{len(self.texts)} rows, {self.tokens} tokens, {self.seconds:.1f} s, "
            f"{self.tokens / self.seconds:.1f} tokens/s, {self.tokens / self.cpu_seconds:.1f} tokens/CPU-s"
        )


def bare(engine: VllmOffline, asked: list[GenerateRequest]) -> Run:
    """vLLM's own loop."""
    prompts = [{"prompt_token_ids": engine.tokens(request)} for request in asked]
    params: list[Any] = [engine.sampling(request) for request in asked]
    for param in params:
        param.logprobs = None
    began, cpu_began = time.perf_counter(), time.process_time()
    outputs = engine.llm.generate(prompts, params, use_tqdm=False)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    replies = [output.outputs[0] for output in outputs]
    return Run([reply.text for reply in replies], sum(len(reply.token_ids) for reply in replies), seconds, cpu_seconds)


def recorded(engine: VllmOffline, asked: list[GenerateRequest]) -> Run:
    """Our path, from requests to answers that stand on disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = RecordedEngine(
            make_engine=lambda: Unclosed(engine), store=ObjectStore(Path(folder)), index=MemoryIndex()
        )
        began, cpu_began = time.perf_counter(), time.process_time()
        given: list[Request] = list(asked)
        path.submit(given)
        answers: dict[RequestHash, Generation] = {}
        while generations := path.collect():
            answers.update((generation.request_hash, generation) for generation in generations)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
        path.close()
    assert len(answers) == len(asked), f"{len(asked)} rows in, {len(answers)} out"
    return Run([answers[request.hash].text for request in asked], path.counts.tokens, seconds, cpu_seconds)


def ratio(runs: dict[str, list[Run]], measure: str) -> float:
    """Speed of the recorded path as a share of the bare one's, of medians."""
    times = {name: statistics.median(getattr(run, measure) for run in made) for name, made in runs.items()}
    return float(times["bare"] / times["recorded"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--recorded", type=Path)
    options = parser.parse_args()
    model = describe(options.folder)
    began = time.perf_counter()
    engine = VllmOffline(options.folder, model, ModelConfig(max_model_len=1024))
    print(f"{engine.name}, {model.name}, started in {time.perf_counter() - began:.1f} s", flush=True)
    if options.recorded:
        asked = recorded_requests(ObjectStore(options.recorded), model, options.rows)
    else:
        asked = requests(model, options.rows, options.max_tokens)
    bare(engine, [replace(request, seed=request.seed + len(asked)) for request in asked[:16]])
    runs: dict[str, list[Run]] = {"bare": [], "recorded": []}
    for number in range(options.runs):
        order = [("bare", bare), ("recorded", recorded)]
        for name, measure in order if number % 2 == 0 else reversed(order):
            engine.llm.reset_prefix_cache()
            runs[name].append(measure(engine, asked))
            print(f"{name:9} {runs[name][-1]}", flush=True)
    texts = [name_runs[-1].texts for name_runs in runs.values()]
    same = sum(one == other for one, other in zip(*texts, strict=True))
    wall, cpu = ratio(runs, "seconds"), ratio(runs, "cpu_seconds")
    print(f"same answers: {same} of {len(asked)}; recorded / bare: {wall:.3f} by the clock, {cpu:.3f} by CPU time")
    engine.close()
    return 0 if same == len(asked) else 1


if __name__ == "__main__":
    sys.exit(main())
