"""A worker that waits for the file TEST_GATE and puts out its own order."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from evol_core.config import Settings
from evol_core.job.spec import JobSpec
from evol_core.job.work import Report, main


def work(spec: JobSpec, settings: Settings, report: Report) -> dict[str, Any]:
    while not Path(os.environ["TEST_GATE"]).exists():
        time.sleep(0.01)
    fields = ("stage", "shard", "shards", "attempt_id")
    return {name: getattr(spec, name) for name in fields} | {"parts": ["0" * 64]}


if __name__ == "__main__":
    sys.exit(main(work))
