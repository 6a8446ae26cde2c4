"""sql/0002_steps_and_generations.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
