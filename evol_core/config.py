"""Where the platform keeps things and how it is reached. Built once, at the edge (`platform`, `job`, `__main__`)."""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from evol_core import __version__

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds evol_core/, dags/, sql/ and examples/."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every command and job needs to know of its surroundings."""

    home: Path
    """EVOL_HOME, absolute: objects, models, job folders, logs, the embedded platform."""

    database_url: str
    """Of the `evol` database, `postgresql+psycopg2://...`; carries a password, so it is never printed."""

    jobs_python: Path
    """The interpreter of the jobs environment."""

    catalogue_key: str = field(default="", repr=False)
    """Bearer token of the OpenLineage server; empty where it wants none."""

    @property
    def objects(self) -> Path:
        """The object store's root."""
        return self.home / "objects"

    @property
    def answers(self) -> Path:
        """What models answered to commands on plain files: a store of its own, which no database knows."""
        return self.home / "answers"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def jobs(self) -> Path:
        """One folder a stage job: spec, log, heartbeat, progress, result."""
        return self.home / "jobs"


@cache
def code_version() -> str:
    """The package's version and, in a git checkout, its commit: `0.1.0+1a2b3c4d5e6f`."""
    commit = _git_commit(PROJECT_ROOT / ".git")
    return f"{__version__}+{commit[:12]}" if commit else __version__


@cache
def source_hash() -> str:
    """SHA-256, 64 hex digits, of the package's own modules: other code may derive other rows."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _git_commit(git: Path) -> str:
    """The commit that HEAD names, read from git's own files; empty outside a checkout."""
    try:
        own, common = _git_folders(git)
        head = (own / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        if (common / reference).exists():
            return (common / reference).read_text().strip()
        packed = (common / "packed-refs").read_text().splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {reference}")), "")
    except OSError:
        return ""


def _git_folders(git: Path) -> tuple[Path, Path]:
    """Where HEAD and where branches are kept: one folder, but two in a worktree, whose `.git` is a file."""
    if git.is_dir():
        return git, git
    own = git.parent / git.read_text().strip().removeprefix("gitdir: ")
    shared = own / "commondir"
    return own, own / shared.read_text().strip() if shared.exists() else own
