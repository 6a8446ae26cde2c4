"""Where the platform keeps things and how it is reached. Built once, at the edge (`platform`, `job`, `__main__`)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every command and job needs to know of its surroundings."""

    home: Path
    """EVOL_HOME, absolute: objects, models, job folders, logs, the embedded platform."""

    database_url: str
    """Of the `evol` database, `postgresql+psycopg2://...`; carries a password, so it is never printed."""

    jobs_python: Path
    """The interpreter of the jobs environment."""

    @property
    def objects(self) -> Path:
        """The object store's root."""
        return self.home / "objects"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def jobs(self) -> Path:
        """One folder a stage job: spec, log, heartbeat, progress, result."""
        return self.home / "jobs"
