from dataclasses import replace

import pytest

from evol_core.config import Settings
from evol_core.errors import JobFailed
from evol_core.job.folder import JobFolder
from evol_core.job.spec import folder_path, spec_from
from tests.unit.job.conftest import SpecMaker


def test_a_spec_survives_its_file(settings: Settings, make_spec: SpecMaker) -> None:
    folder = JobFolder(settings.home)
    folder.path.mkdir()
    spec = make_spec(name="größe", shards=[1, 2])

    folder.write(spec)

    assert folder.spec() == spec


def test_a_spec_of_another_version_is_refused() -> None:
    with pytest.raises(JobFailed, match=r"no job spec of this version of evol: .*'colour'"):
        spec_from({"colour": "red"})


def test_two_attempts_at_the_same_work_have_one_fingerprint(make_spec: SpecMaker) -> None:
    spec = make_spec(attempt_id=1, rounds=3)

    assert replace(spec, attempt_id=2, created=5.0, lease_s=1.0).fingerprint == spec.fingerprint


@pytest.mark.parametrize(
    "change", [{"shard": 0}, {"shards": 3}, {"stage": "score"}, {"run_id": 12}, {"recipe": {"rounds": 4}}]
)
def test_other_work_has_another_fingerprint(make_spec: SpecMaker, change: dict[str, object]) -> None:
    spec = make_spec(rounds=3)

    assert replace(spec, **change).fingerprint != spec.fingerprint  # type: ignore[arg-type]


def test_a_folder_is_named_after_run_stage_and_shard(settings: Settings, make_spec: SpecMaker) -> None:
    path = folder_path(make_spec(run_key="manual__2026-11-23T02:00:00+00:00"), settings)

    assert path.name == "evolve-0001"
    assert path.parent.name.startswith("evol_instruct-manual__2026-11-23T02_00_00_00_00-")
    assert path.parent.parent == settings.jobs


def test_runs_that_differ_only_in_signs_have_different_folders(settings: Settings, make_spec: SpecMaker) -> None:
    paths = {folder_path(make_spec(run_key=key), settings) for key in ("a b", "a/b", "a_b", "../a_b")}

    assert len(paths) == 4
    assert {path.parent.parent for path in paths} == {settings.jobs}
