"""sql/0012_benchmark_hits.sql"""

from alembic import op

from evol_core.lineage.migrate import run_revision

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_revision(op.get_bind(), revision)
