"""A real Postgres beside an interpreter that has none: the control environment's makes and migrates it."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evol_core.config import PROJECT_ROOT
from tests.integration.platform_homes import remove_home

MAKE = """
import sys
from pathlib import Path
from evol_core.lineage.migrate import migrate
from evol_core.platform.postgres import ensure_postgres

urls = ensure_postgres(Path(sys.argv[1]))
migrate(urls.evol)
print(urls.evol)
"""


@pytest.fixture
def database_url() -> Iterator[str]:
    """A database with the newest schema, on a server of this test's own."""
    home = Path(tempfile.mkdtemp(prefix="evol-pg-"))
    control = PROJECT_ROOT / ".venv/bin/python"
    try:
        made = subprocess.run(
            [str(control), "-c", MAKE, str(home)], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        yield made.stdout.strip()
    finally:
        remove_home(home)
