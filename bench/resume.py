"""How long a stage that was killed takes to get past the rows that it has finished already.

    .venv/bin/python -m bench.resume [--rows 10000] [--turns 3]

The made-up model of a build of made-up seeds is gone when it has answered all that so many rows ask; more rows are
left. Then a new attempt, in a new process, starts the stage again: measured is the time until a model is asked
something that is not recorded, beside the start of the process. The goal: at most 2 s per 10,000 finished rows, for
each stage that asks models.
"""

import argparse
import os
import sys
from statistics import median

from bench.recorded_build import ALL, in_own_process, write_seeds
from bench.scratch import home_with_database

ANSWERS = {"evolve": 2, "score": 1}
"""A row, of each stage that asks."""

LEFT = 2_048
"""Rows that nobody has begun when the model is gone."""

GOAL_S = 2.0

PER_ROWS = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=PER_ROWS)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    slowest = 0.0
    all_rows = options.rows + LEFT
    with home_with_database() as (home, _):
        write_seeds(home, all_rows)
        in_own_process(home, "seed", all_rows)
        for stage, answers in ANSWERS.items():
            broken = in_own_process(home, stage, all_rows, answers=answers * options.rows)
            turns = [in_own_process(home, stage, all_rows) for _ in range(options.turns)]
            derived = in_own_process(home, stage, all_rows, derive=True)
            assert broken.generated == answers * options.rows
            assert not broken.finished
            assert not any(turn.finished or turn.generated for turn in (*turns, derived))
            seconds, busy = (
                median(getattr(turn, name) for turn in turns) * PER_ROWS / options.rows
                for name in ("seconds", "cpu_seconds")
            )
            print(
                f"{stage}: {seconds:.2f} s per {PER_ROWS:,} finished rows ({busy:.2f} s of CPU; goal: {GOAL_S} s); "
                f"{derived.seconds:.2f} s where all is derived again; asked and recorded in {broken.seconds:.2f} s"
            )
            slowest = max(slowest, seconds)
            assert in_own_process(home, stage, all_rows, answers=ALL).finished
    return 0 if slowest <= GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main())
