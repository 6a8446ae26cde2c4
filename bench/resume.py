"""How long a build takes to get past the rows that it has finished already.

    .venv/bin/python -m bench.resume [--rows 10000] [--turns 3]

A build of made-up seeds is answered by a made-up model and recorded. Then a new attempt, in a new process and with
no engine to ask, goes through the same rows: what somebody waits for after a job was killed, beside the start of the
process. The goal: at most 2 s per 10,000 finished rows, for each stage that asks models.
"""

import argparse
import os
import sys
from statistics import median

from bench.recorded_build import in_own_process, write_seeds
from bench.scratch import home_with_database

STAGES = ("evolve", "score")

GOAL_S = 2.0

PER_ROWS = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=PER_ROWS)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    slowest = 0.0
    with home_with_database() as (home, _):
        write_seeds(home, options.rows)
        in_own_process(home, "seed", options.rows)
        for stage in STAGES:
            filled = in_own_process(home, stage, options.rows, fill=True)
            turns = [in_own_process(home, stage, options.rows) for _ in range(options.turns)]
            assert all(turn.replayed == filled.generated for turn in turns), "every answer was recorded"
            seconds, busy = (
                median(getattr(turn, name) for turn in turns) * PER_ROWS / options.rows
                for name in ("seconds", "cpu_seconds")
            )
            print(
                f"{stage}: {seconds:.2f} s per {PER_ROWS:,} finished rows ({busy:.2f} s of CPU, "
                f"{turns[0].replayed:,} answers; goal: {GOAL_S} s); answered and recorded in {filled.seconds:.2f} s"
            )
            slowest = max(slowest, seconds)
    return 0 if slowest <= GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main())
