"""sql/0003_datasets_and_rows.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
