"""sql/0009_training.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
