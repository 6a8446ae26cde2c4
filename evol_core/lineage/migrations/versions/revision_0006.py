"""sql/0006_autoif.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
