"""How fast the nearest other row is found exactly, beside the bare products and beside a flat FAISS index.

    .venv-jobs/bin/python -m bench.diversity [--rows 50000] [--vectors V.npy] [--threads 1 2]

Two sets of vectors: random ones, and those of real short texts, where a file of them is given (`bench.sentence_vectors`
makes one). All sides work on the same vectors, with as many threads, in one run; once with each number of threads. The
bare products are those of every row with every row, block by block, and nothing done with them. The goals: at most 1.1
times the bare products, at least 4 times a flat index, the same distances, flat memory.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from evol_core.score.models.blocks import COLUMNS, ROWS
from evol_core.score.models.codes import FEWEST_ROWS
from evol_core.score.models.nearest import nearest

T = TypeVar("T")

MEMORY_MIB = 128
"""What the search may add to the process, beside the vectors once more; all products of 50,000 rows are 9,537 MiB."""


class Took(NamedTuple):
    """What some work took, by the clock and of all processors. Neighbours on the machine lengthen the first more."""

    seconds: float
    cpu_seconds: float


def timed(work: Callable[[], T]) -> tuple[T, Took]:
    began, cpu_began = time.perf_counter(), time.process_time()
    result = work()
    return result, Took(time.perf_counter() - began, time.process_time() - cpu_began)


def products(unit_ND: Tensor) -> None:
    """Every row with every row, and nothing done with it."""
    buffer = unit_ND.new_empty(ROWS * COLUMNS)
    with torch.inference_mode():
        for first in range(0, len(unit_ND), ROWS):
            rows = unit_ND[first : first + ROWS]
            for others in range(0, len(unit_ND), COLUMNS):
                columns = unit_ND[others : others + COLUMNS]
                torch.mm(rows, columns.t(), out=buffer[: len(rows) * len(columns)].view(len(rows), len(columns)))


def flat_index(unit_ND: Tensor) -> Tensor:
    """Squared distances to the nearest other row by FAISS."""
    faiss: Any = importlib.import_module("faiss")
    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatL2(unit_ND.shape[1])
    index.add(unit_ND.numpy())
    distances, _ = index.search(unit_ND.numpy(), 2)
    return torch.from_numpy(distances[:, 1])


def resident_mib(field: str) -> int:
    """VmRSS, the process's memory, or VmHWM, the most that it has had since `forget_peak`."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1]) // 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


class Measured(NamedTuple):
    """What one number of threads came to."""

    ours: Took
    bare: Took
    faiss: Took
    apart: float
    """The largest difference between our distances and those of FAISS."""

    added_mib: int
    """The most that our search had beside what was there before it."""

    mnd: float


def measure(unit_ND: Tensor) -> Measured:
    forget_peak()
    before = resident_mib("VmRSS")
    found, ours = timed(lambda: nearest(unit_ND))
    added = resident_mib("VmHWM") - before
    _, bare = timed(lambda: products(unit_ND))
    distances, by_faiss = timed(lambda: flat_index(unit_ND))
    apart = float((found.distance_N - distances).abs().max())
    return Measured(ours, bare, by_faiss, apart, added, float(found.distance_N.mean()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--vectors", type=Path, help="vectors of real texts, .npy")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=768)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    draw = torch.Generator().manual_seed(0)
    sets = {"random": torch.nn.functional.normalize(torch.randn(options.rows, options.dimensions, generator=draw))}
    if options.vectors:
        sets["texts"] = made(options.vectors)[: options.rows]
    reached = []
    for name, unit_ND in sets.items():
        nearest(unit_ND[:FEWEST_ROWS])
        flat_index(unit_ND[:FEWEST_ROWS])
        for threads in options.threads:
            torch.set_num_threads(threads)
            print(f"-- {name}, {len(unit_ND)} x {unit_ND.shape[1]}, {threads} threads")
            reached.append(report(measure(unit_ND), unit_ND))
    return 0 if all(reached) else 1


def made(path: Path) -> Tensor:
    """The vectors of a file, as far as they are made: the others are 0."""
    vectors = np.load(path, mmap_mode="r")
    return torch.from_numpy(np.array(vectors[: int((vectors[:, 0] != 0).sum())]))


def report(took: Measured, unit_ND: Tensor) -> bool:
    """Print what one number of threads came to; whether all goals are met."""
    n_rows, dimensions = unit_ND.shape
    print(f"MND {took.mnd:.6f}; load {os.getloadavg()[0]:.1f}")
    for name, side in (("bare products", took.bare), ("flat FAISS", took.faiss), ("ours", took.ours)):
        flops = 2 * n_rows * n_rows * dimensions / 1e9 / side.cpu_seconds
        print(
            f"{name:14}{side.seconds:7.2f} s {side.cpu_seconds:7.2f} CPU s {flops:5.0f} GFLOP a CPU s, if all were made"
        )
    to_bare, to_bare_cpu = ratios(took.ours, took.bare)
    to_faiss, to_faiss_cpu = ratios(took.faiss, took.ours)
    print(f"ours / bare products: {to_bare:.2f} by the clock, {to_bare_cpu:.2f} by CPU time (goal: at most 1.1)")
    print(f"flat FAISS / ours: {to_faiss:.2f} by the clock, {to_faiss_cpu:.2f} by CPU time (goal: at least 4)")
    print(f"largest difference of distances {took.apart:.1e} (goal: 1e-5); ", end="")
    may_add = MEMORY_MIB + unit_ND.nbytes / 2**20
    print(f"memory added {took.added_mib} MiB (goal: {may_add:.0f})", flush=True)
    return to_bare <= 1.1 and to_faiss >= 4 and took.apart <= 1e-5 and took.added_mib <= may_add


def ratios(one: Took, other: Took) -> tuple[float, float]:
    """By the clock, and by CPU time."""
    return one.seconds / other.seconds, one.cpu_seconds / other.cpu_seconds


if __name__ == "__main__":
    sys.exit(main())
