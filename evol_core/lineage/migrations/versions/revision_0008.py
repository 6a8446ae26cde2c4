"""sql/0008_auto_evol.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
