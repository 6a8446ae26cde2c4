"""Whether a stage's memory depends on the number of its rows.

    .venv/bin/python -m bench.memory [--rows 10000 100000 1000000] [--stages seed plan ...]

For every size, a build of made-up seeds is answered by a made-up model and recorded ("asked"); then each stage goes
through the same rows once more and derives all from the recorded answers ("replayed"; publishing and planning have no
other way), in a process of its own whose highest resident memory is read. The goal: at the largest size at most 1.25
times what it is at the smallest.

A stage that is measured alone finds what the stages before it left: without them, a plan finds nothing recorded.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.recorded_build import ALL, Measured, in_own_process, write_seeds
from bench.scratch import home_with_database

ASKING = ("evolve", "score")

STAGES = ("seed", *ASKING, "plan", "publish")

GOAL = 1.25


def measure(sizes: list[int], stages: list[str]) -> dict[str, list[Measured]]:
    """Every one of the stages at every size, in the order of the sizes."""
    found: dict[str, list[Measured]] = {}
    with home_with_database() as (home, _):
        for rows in sizes:
            write_seeds(home, rows)
            turns = (turn for stage in STAGES if stage in stages for turn in _turns(home, stage, rows))
            for stage, measured in turns:
                assert measured.finished
                print(
                    f"{stage:15} {rows:10,} rows: peak {measured.peak_mib:7.0f} MiB, {measured.seconds:7.1f} s "
                    f"({measured.cpu_seconds:.1f} s of CPU), {measured.replayed:,} answers replayed",
                    flush=True,
                )
                found.setdefault(stage, []).append(measured)
    return found


def _turns(home: Path, stage: str, rows: int) -> Iterator[tuple[str, Measured]]:
    if stage in ASKING:
        yield f"{stage} asked", in_own_process(home, stage, rows, answers=ALL)
        yield f"{stage} replayed", in_own_process(home, stage, rows, derive=True)
    else:
        yield stage, in_own_process(home, stage, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    options = parser.parse_args()
    sizes = sorted(options.rows)
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    found = measure(sizes, options.stages)
    ratios = {stage: of_sizes[-1].peak_mib / of_sizes[0].peak_mib for stage, of_sizes in found.items()}
    for stage, ratio in ratios.items():
        print(f"{stage}: {ratio:.2f} times the memory for {sizes[-1] / sizes[0]:g} times the rows (goal: {GOAL})")
    return 0 if max(ratios.values()) <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
