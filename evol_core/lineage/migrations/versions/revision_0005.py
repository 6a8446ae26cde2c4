"""sql/0005_publish.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
