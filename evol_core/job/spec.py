"""What a job is asked to do, as a JSON file. It holds no secret; those come through the environment."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evol_core.config import Settings
from evol_core.errors import JobFailed
from evol_core.records import content_hash

LEASE_S = 600.0
"""A job that nobody has followed for so long ends itself. A restart of Airflow takes a fraction of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One order of the pipeline, and whose it is."""

    flow: str
    stage: str
    """A stage of the flow, or `all`."""

    shard: int = 0
    shards: int = 1
    recipe: Mapping[str, Any]
    """As plain data, so that reading a spec needs nothing of the pipeline."""

    run_id: int
    attempt_id: int
    """The fencing token: of two attempts at the same work the larger one owns it."""

    run_key: str
    """The run's name outside, for example Airflow's run id."""

    lease_s: float = LEASE_S
    created: float
    """Seconds since 1970."""

    @property
    def fingerprint(self) -> str:
        """Hash of the work, whoever does it and whenever."""
        work = {name: getattr(self, name) for name in ("flow", "stage", "shard", "shards", "recipe", "run_id")}
        return content_hash(work)

    @property
    def task(self) -> str:
        """The stage, with its shard where there are several."""
        return self.stage if self.shards == 1 else f"{self.stage}-{self.shard:04d}"

    def to_data(self) -> dict[str, Any]:
        return asdict(self)


def spec_from(data: Mapping[str, Any]) -> JobSpec:
    """A spec from what `to_data` gave.

    Raises:
        JobFailed: a field is missing or unknown.
    """
    try:
        return JobSpec(**data)
    except TypeError as error:
        raise JobFailed(f"this is no job spec of this version of evol: {error}") from None


def folder_path(spec: JobSpec, settings: Settings) -> Path:
    """Where the job's files are: the same for every attempt at the same shard of the same run."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", f"{spec.flow}-{spec.run_key}")[:100]
    unique = content_hash([spec.flow, spec.run_key])[:8]
    return settings.jobs / f"{readable}-{unique}" / spec.task
