import pytest
import sqlalchemy as sa

from evol_core.lineage.refresh import refresh_views

pytestmark = pytest.mark.postgres


def test_every_materialised_view_is_brought_up_to_date(database: sa.Engine) -> None:
    with database.begin() as connection:
        for statement in (
            "CREATE TABLE counted (n int)",
            "CREATE MATERIALIZED VIEW analytics.plain AS SELECT count(*) AS n FROM counted",
            'CREATE MATERIALIZED VIEW analytics."On top" AS SELECT n FROM analytics.plain',
            'CREATE UNIQUE INDEX ON analytics."On top" (n)',
            "INSERT INTO counted VALUES (1)",
        ):
            connection.execute(sa.text(statement))

    with database.begin() as connection:
        assert refresh_views(connection)[-2:] == ["analytics.plain", 'analytics."On top"']

    with database.connect() as connection:
        assert connection.execute(sa.text('SELECT n FROM analytics."On top"')).scalar() == 1
