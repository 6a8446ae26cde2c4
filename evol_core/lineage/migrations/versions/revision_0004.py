"""sql/0004_scores_and_training.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
