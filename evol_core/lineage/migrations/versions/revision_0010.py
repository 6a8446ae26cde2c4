"""sql/0010_comparisons.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
