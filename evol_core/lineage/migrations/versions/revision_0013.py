"""sql/0013_finished_pieces.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
