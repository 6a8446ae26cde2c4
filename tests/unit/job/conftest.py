from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evol_core.config import Settings
from evol_core.job.spec import JobSpec

SpecMaker = Callable[..., JobSpec]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home", database_url="postgresql+psycopg2://evol@db/evol", jobs_python=Path("python")
    )


@pytest.fixture
def make_spec() -> SpecMaker:
    def make(attempt_id: int = 1, *, run_key: str = "nightly", lease_s: float = 600.0, **recipe: Any) -> JobSpec:
        return JobSpec(
            flow="evol_instruct",
            stage="evolve",
            shard=1,
            shards=2,
            recipe=recipe,
            run_id=11,
            attempt_id=attempt_id,
            run_key=run_key,
            lease_s=lease_s,
            created=0.0,
        )

    return make
