"""`python -m evol_core.job SPEC WORKER`: supervise the job that a spec file describes. Started by `launch`."""

import sys
from pathlib import Path

from evol_core.job.supervisor import supervise


def main() -> int:
    if len(sys.argv) != 3:
        print("error: give a spec.json and the worker's module; see evol_core/job/launch.py", file=sys.stderr)
        return 2
    return supervise(Path(sys.argv[1]).absolute().parent, sys.argv[2])


if __name__ == "__main__":
    sys.exit(main())
