"""sql/0001_runs_and_objects.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
