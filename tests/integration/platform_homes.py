"""Homes for tests of the platform, and their end."""

import shutil
import signal
from pathlib import Path

from evol_core.platform.postgres import stop_postgres
from evol_core.platform.processes import end
from evol_core.platform.services import everything


def remove_home(home: Path) -> None:
    """End whatever runs in a home and delete it, with the database that lies outside it where root runs the tests."""
    end(everything(home), (signal.SIGKILL, 10))
    stop_postgres(home)
    if (home / "postgres").is_symlink():
        shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
