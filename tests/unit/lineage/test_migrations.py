"""The files of sql/ and the revisions that run them."""

from alembic.config import Config
from alembic.script import ScriptDirectory

from evol_core.lineage import migrate
from evol_core.lineage.analyst import examples


def test_every_numbered_file_is_a_revision_and_they_form_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SQL.parent / "evol_core/lineage/migrations"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    revisions = [revision.revision for revision in script.walk_revisions()]

    files = sorted(path.name[:4] for path in migrate.SQL.glob("[0-9]*.sql"))
    assert sorted(revisions) == files
    assert script.get_heads() == [migrate.newest_revision()] == [files[-1]]


def test_every_example_opens_with_the_question_that_it_answers() -> None:
    for example in examples():
        assert example.query.startswith("-- "), example.name
        assert example.title.endswith("?"), example.name


def test_the_cookbook_names_every_example() -> None:
    cookbook = (migrate.SQL.parent / "docs/sql.md").read_text(encoding="utf-8")

    for example in examples():
        assert f"| `{example.name}` | {example.title} |" in cookbook
