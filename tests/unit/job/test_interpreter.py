import sys
from pathlib import Path
from typing import Any

import pytest

from evol_core.config import Settings
from evol_core.job.launch import interpreter
from evol_core.job.spec import JobSpec


@pytest.mark.parametrize(
    ("recipe", "python"),
    [
        ({"models": {"default": {"path": "smollm2"}}}, Path("/jobs/python")),
        ({}, Path("/jobs/python")),
        ({"models": {}}, Path(sys.executable)),
    ],
)
def test_only_work_without_models_is_done_without_the_jobs_environment(recipe: dict[str, Any], python: Path) -> None:
    settings = Settings(home=Path("/h"), database_url="postgresql://", jobs_python=Path("/jobs/python"))
    spec = JobSpec(flow="f", stage="s", recipe=recipe, run_id=1, attempt_id=1, run_key="k", created=0.0)

    assert interpreter(spec, settings) == python
