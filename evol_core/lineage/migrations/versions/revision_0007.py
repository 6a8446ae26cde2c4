"""sql/0007_care_of_versions.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
