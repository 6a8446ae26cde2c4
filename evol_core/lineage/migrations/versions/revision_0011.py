"""sql/0011_figures.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
