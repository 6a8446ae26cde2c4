"""How fast the nearest other row is found exactly, beside the bare products and beside a flat FAISS index.

    .venv-jobs/bin/python -m bench.diversity [--rows 50000] [--dimensions 768] [--faiss-rows 20000] [--threads 1 2]

All sides work on the same vectors, with as many threads, in one run; once with each number of threads. The bare
products are those of every row with every row, block by block, and nothing done with them; ours needs only half of
them, since a distance is the same from either end. FAISS is measured on fewer rows unless told otherwise, against ours
on as many: it takes minutes.
The goals: at most 1.1 times the bare products, at least 4 times a flat index, the same distances, flat memory.

The second of the goals is one of the processor as well: FAISS brings a matrix product of its own, and where that is
as fast as torch's, an exact search can win no more than the half of the products that it leaves out. So the speed of
either is printed, and the most that could be won.
"""

import argparse
import importlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from evol_core.score.models.nearest import COLUMNS, ROWS, nearest

T = TypeVar("T")

MEMORY_MIB = 128
"""What the search may add to the process at most; a matrix of all products of 50,000 rows is 9,537 MiB."""


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


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Measured(NamedTuple):
    """What one number of threads came to."""

    ours: Took
    bare: Took
    ours_few: Took
    faiss_few: Took
    apart: float
    """The largest difference between our distances and those of FAISS."""

    added_mib: float
    """What our search added to the process's peak; of the first number of threads, before FAISS copies the vectors."""

    mnd: float


def measure(unit_ND: Tensor, few_ND: Tensor) -> Measured:
    before = peak_mib()
    whole, ours = timed(lambda: nearest(unit_ND))
    added = peak_mib() - before
    _, bare = timed(lambda: products(unit_ND))
    found, few = timed(lambda: nearest(few_ND))
    distances, by_faiss = timed(lambda: flat_index(few_ND))
    apart = float((found.distance_N - distances).abs().max())
    return Measured(ours, bare, few, by_faiss, apart, added, float(whole.distance_N.mean()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=768)
    parser.add_argument("--faiss-rows", type=int, default=20_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    draw = torch.Generator().manual_seed(0)
    unit_ND = torch.nn.functional.normalize(torch.randn(options.rows, options.dimensions, generator=draw))
    few_ND = unit_ND[: options.faiss_rows]
    nearest(unit_ND[:ROWS])
    flat_index(unit_ND[:ROWS])
    reached = []
    for threads in options.threads:
        torch.set_num_threads(threads)
        reached.append(report(threads, measure(unit_ND, few_ND), len(unit_ND), len(few_ND), options.dimensions))
    return 0 if all(reached) else 1


def report(threads: int, took: Measured, n_rows: int, n_few: int, dimensions: int) -> bool:
    """Print what one number of threads came to; whether all goals are met."""

    def told(rows: int, one: Took) -> str:
        flops = 2 * rows * rows * dimensions / 1e9
        return f"{one.seconds:7.2f} s {one.cpu_seconds:7.2f} CPU s {flops / one.cpu_seconds:5.0f} GFLOP a CPU s"

    print(f"-- {threads} threads, MND of {n_rows} rows {took.mnd:.6f}")
    print(f"bare products, {n_rows} rows  {told(n_rows, took.bare)}")
    print(f"ours                      {told(n_rows, took.ours)}, as if it made all products")
    print(f"flat FAISS, {n_few} rows     {told(n_few, took.faiss_few)}")
    print(f"ours                      {told(n_few, took.ours_few)}, as if it made all products")
    to_bare, to_bare_cpu = ratios(took.ours, took.bare)
    to_faiss, to_faiss_cpu = ratios(took.faiss_few, took.ours_few)
    most = took.faiss_few.cpu_seconds / (took.bare.cpu_seconds / 2 * (n_few / n_rows) ** 2)
    print(f"ours / bare products: {to_bare:.2f} by the clock, {to_bare_cpu:.2f} by CPU time (goal: at most 1.1)")
    print(
        f"flat FAISS / ours: {to_faiss:.2f} by the clock, {to_faiss_cpu:.2f} by CPU time (goal: at least 4); ", end=""
    )
    print(f"half of the bare products, and nothing done with them: {most:.2f}")
    print(f"largest difference of distances {took.apart:.1e} (goal: 1e-5); ", end="")
    print(f"memory added {took.added_mib:.0f} MiB (goal: {MEMORY_MIB})", flush=True)
    return to_bare <= 1.1 and to_faiss >= 4 and took.apart <= 1e-5 and took.added_mib <= MEMORY_MIB


def ratios(one: Took, other: Took) -> tuple[float, float]:
    """By the clock, and by CPU time."""
    return one.seconds / other.seconds, one.cpu_seconds / other.cpu_seconds


if __name__ == "__main__":
    sys.exit(main())
