"""`python -m evol_core.job.file_work FD`: a command on plain files, in the interpreter that has the engines.

The order is read from standard input, progress and result go through the pipe FD; see file_launch.py.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evol_core.config import Settings
from evol_core.errors import EvolError
from evol_core.job.messages import Sender
from evol_core.job.surroundings import JOBS_PYTHON, home_from

Report = Callable[[dict[str, Any]], None]

FileWork = Callable[[Mapping[str, Any], Settings, Report], dict[str, Any]]


def judge(order: Mapping[str, Any], settings: Settings, report: Report) -> dict[str, Any]:
    """`evol judge`."""
    from evol_core.pipeline.judge_files import JudgeFiles, judge_files
    from evol_core.recipe import DecodingConfig, ModelConfig

    said = JudgeFiles(
        a=Path(order["a"]),
        b=Path(order["b"]),
        output=Path(order["output"]),
        model=ModelConfig.model_validate(order["model"]),
        decoding=DecodingConfig.model_validate(order["decoding"]),
        seed=order["seed"],
    )
    return asdict(judge_files(said, settings, lambda progress: report(asdict(progress))))


def score(order: Mapping[str, Any], settings: Settings, report: Report) -> dict[str, Any]:
    """`evol score`."""
    from evol_core.pipeline.file_scores import ScoreOrder, score_file
    from evol_core.recipe import FileScoring

    said = ScoreOrder(
        file=Path(order["file"]), output=Path(order["output"]), how=FileScoring.model_validate(order["how"])
    )
    return score_file(said, settings, lambda progress: report(asdict(progress)))


WORKS: Mapping[str, FileWork] = {"judge": judge, "score": score}
"""By the command's name."""


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sender = Sender(int(sys.argv[1]))
    order = json.load(sys.stdin)
    settings = Settings(home=home_from(os.environ), database_url="", jobs_python=Path(os.environ[JOBS_PYTHON]))
    try:
        output = WORKS[order["command"]](order, settings, lambda said: sender.send({"progress": said}))
    except EvolError as error:
        sender.send({"error": {"message": str(error), "exit_code": error.exit_code}})
        return error.exit_code
    sender.send({"output": output})
    return 0


if __name__ == "__main__":
    sys.exit(main())
