"""How fast the nearest other row is found exactly, beside the bare products and beside a flat FAISS index.

    OMP_NUM_THREADS=1 .venv-jobs/bin/python -m bench.diversity [--rows 50000] [--dimensions 768] [--faiss-rows 20000]

All sides work on the same vectors, with as many threads, in one run. The bare products are those of every row with
every row, block by block, and nothing done with them; ours needs only half of them, since a distance is the same from
either end. FAISS is measured on fewer rows unless told otherwise, against ours on as many: it takes minutes.
The goals: at most 1.1 times the bare products, at least 4 times a flat index, the same distances, flat memory.
"""

import argparse
import importlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from evol_core.score.models.nearest import COLUMNS, ROWS, Nearest, nearest

T = TypeVar("T")

MEMORY_MIB = 128
"""What the search may add to the process at most; a matrix of all products of 50,000 rows is 9,537 MiB."""


def timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=768)
    parser.add_argument("--faiss-rows", type=int, default=20_000)
    options = parser.parse_args()
    draw = torch.Generator().manual_seed(0)
    unit_ND = torch.nn.functional.normalize(torch.randn(options.rows, options.dimensions, generator=draw))
    few_ND = unit_ND[: options.faiss_rows]
    nearest(unit_ND[:ROWS])
    before = peak_mib()
    found, ours = timed(lambda: nearest(unit_ND))
    added = peak_mib() - before
    _, bare = timed(lambda: products(unit_ND))
    ours_few, few = timed(lambda: nearest(few_ND))
    distances, by_faiss = timed(lambda: flat_index(few_ND))
    apart = float((ours_few.distance_N - distances).abs().max())
    return report(options.rows, found, (ours, bare), (few, by_faiss), apart, added)


def report(
    rows: int, found: Nearest, whole: tuple[float, float], part: tuple[float, float], apart: float, added: float
) -> int:
    to_bare, to_faiss = whole[0] / whole[1], part[1] / part[0]
    print(f"{rows} rows, {torch.get_num_threads()} threads, MND {float(found.distance_N.mean()):.6f}")
    print(f"ours {whole[0]:.2f} s, bare products {whole[1]:.2f} s: ratio {to_bare:.2f} (goal: at most 1.1)")
    print(f"flat FAISS {part[1]:.2f} s, ours on as many {part[0]:.2f} s: {to_faiss:.2f} times (goal: at least 4)")
    print(
        f"largest difference of distances {apart:.1e} (goal: 1e-5); memory added {added:.0f} MiB (goal: {MEMORY_MIB})"
    )
    return 0 if to_bare <= 1.1 and to_faiss >= 4 and apart <= 1e-5 and added <= MEMORY_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
