"""Datasets and their versions: which there are, what they hold, what NAME@V means."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.rows_of import rows_of
from evol_core.store.objects import StoredObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version and its objects, in order."""

    name: str
    version: int
    dataset_id: int
    kind: str
    state: str
    data: tuple[StoredObject, ...]
    refused: tuple[StoredObject, ...]
    scores: tuple[StoredObject, ...]
    evidence: tuple[StoredObject, ...] = ()

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def objects(self) -> tuple[StoredObject, ...]:
        return (*self.data, *self.refused, *self.scores, *self.evidence)


def resolve(connection: sa.Connection, spec: str, *, published_only: bool = True) -> Version:
    """The version that NAME (its head), NAME@NUMBER or NAME@TAG means.

    Raises:
        NotFound: there is no such dataset or version, or it is not published; the message names those that are.
    """
    name, _, wanted = spec.partition("@")
    dataset = _dataset(connection, name)
    versions = rows_of(
        connection,
        "SELECT version, state::text FROM lineage.dataset_version WHERE dataset_id = :dataset_id ORDER BY version",
        dataset_id=dataset.dataset_id,
    )
    states = {row["version"]: row["state"] for row in versions}
    number = _number(connection, dataset, wanted, states)
    if published_only and states[number] != "published":
        raise NotFound(
            f"{name}@{number} is {states[number]}, not published; published versions: {_published(states)}. "
            f"`evol datasets show {name}@{number}` tells why"
        )
    files = _files(connection, dataset.dataset_id, number)
    return Version(
        name=name,
        version=number,
        dataset_id=dataset.dataset_id,
        kind=dataset.kind,
        state=states[number],
        data=files.get("data", ()),
        refused=files.get("refused", ()),
        scores=files.get("scores", ()),
        evidence=files.get("evidence", ()),
    )


def list_datasets(connection: sa.Connection) -> list[dict[str, Any]]:
    """Every dataset with its head and the number of its versions."""
    return rows_of(
        connection,
        """
        SELECT d.name, d.kind, d.head_version AS head, h.n_rows AS rows, count(v.version) AS versions,
            count(*) FILTER (WHERE v.state = 'quarantined') AS quarantined, max(v.created_at) AS newest
        FROM lineage.dataset d
        LEFT JOIN lineage.dataset_version v USING (dataset_id)
        LEFT JOIN lineage.dataset_version h ON (h.dataset_id, h.version) = (d.dataset_id, d.head_version)
        GROUP BY d.name, d.kind, d.head_version, h.n_rows
        ORDER BY d.name
        """,
    )


def show_version(connection: sa.Connection, spec: str) -> dict[str, Any]:
    """All that is known of a version: counts, gates, objects, parents, children, reasons, parse rates, metadata.

    Raises:
        NotFound: there is no such dataset or version.
    """
    version = resolve(connection, spec, published_only=False)
    key = {"name": version.name, "version": version.version}
    (summary,) = rows_of(
        connection,
        "SELECT * FROM analytics.dataset_version_summary WHERE dataset = :name AND version = :version",
        **key,
    )
    (said,) = rows_of(
        connection,
        "SELECT gates, metadata, retracted_by, retracted_at, retract_reason FROM lineage.dataset_version "
        "WHERE (dataset_id, version) = (:dataset_id, :version)",
        dataset_id=version.dataset_id,
        version=version.version,
    )
    metadata = said.pop("metadata")
    return {
        **summary,
        **said,
        "refused_by_reason": rejects_by_reason(connection, version),
        "parse_rates": parse_rates(connection, version),
        "used_by": _children(connection, version),
        "objects": _objects(version),
        "history": _history(connection, version),
        "metadata": metadata,
    }


def rejects_by_reason(connection: sa.Connection, version: Version) -> list[dict[str, Any]]:
    """Why rows did not make it into a version, the most common reason first."""
    return rows_of(
        connection,
        "SELECT stage, status, reason, n, share FROM analytics.rejects_by_reason "
        "WHERE dataset = :name AND version = :version ORDER BY n DESC, stage, reason",
        name=version.name,
        version=version.version,
    )


def parse_rates(connection: sa.Connection, version: Version) -> list[dict[str, Any]]:
    """Share of replies that could be read, by model and evolving method; empty where no model planned by itself."""
    return rows_of(
        connection,
        "SELECT model, size_class, method, n_replies, n_parsed, parse_rate FROM analytics.parse_rates "
        "WHERE dataset = :name AND version = :version ORDER BY model, size_class, method",
        name=version.name,
        version=version.version,
    )


def _dataset(connection: sa.Connection, name: str) -> Any:
    find = sa.text("SELECT dataset_id, name, kind, head_version FROM lineage.dataset WHERE name = :name")
    dataset = connection.execute(find, {"name": name}).one_or_none()
    if dataset is not None:
        return dataset
    names = [row["name"] for row in rows_of(connection, "SELECT name FROM lineage.dataset ORDER BY name")]
    near = get_close_matches(name, names, n=5)
    known = f"did you mean {' or '.join(near)}?" if near else f"known datasets: {names[:20] or 'none yet'}"
    raise NotFound(f"there is no dataset {name!r}; {known} `evol datasets list` shows all")


def _number(connection: sa.Connection, dataset: Any, wanted: str, states: dict[int, str]) -> int:
    """The number of the version that is meant; it exists."""
    if not wanted:
        if dataset.head_version is None:
            raise NotFound(f"dataset {dataset.name!r} has no published version yet; its versions: {states or 'none'}")
        return int(dataset.head_version)
    number = int(wanted) if wanted.isdecimal() else _tagged(connection, dataset, wanted)
    if number not in states:
        raise NotFound(f"dataset {dataset.name!r} has no version {number}; published versions: {_published(states)}")
    return number


def _tagged(connection: sa.Connection, dataset: Any, tag: str) -> int:
    query = "SELECT tag, version FROM lineage.dataset_tag WHERE dataset_id = :dataset_id ORDER BY tag"
    tags = {row["tag"]: row["version"] for row in rows_of(connection, query, dataset_id=dataset.dataset_id)}
    if tag not in tags:
        raise NotFound(
            f"dataset {dataset.name!r} has no tag {tag!r}; tags: {sorted(tags) or 'none'}. "
            f"A version is NAME, NAME@NUMBER or NAME@TAG"
        )
    return int(tags[tag])


def _published(states: dict[int, str]) -> list[int]:
    return [version for version, state in states.items() if state == "published"]


def _files(connection: sa.Connection, dataset_id: int, version: int) -> dict[str, tuple[StoredObject, ...]]:
    """A version's objects by role, in order."""
    rows = rows_of(
        connection,
        "SELECT role::text, sha256, n_bytes, n_rows, schema_hash FROM lineage.dataset_version_file "
        "JOIN lineage.object_file USING (file_id) "
        "WHERE (dataset_id, version) = (:dataset_id, :version) ORDER BY role, ord",
        dataset_id=dataset_id,
        version=version,
    )
    files: dict[str, tuple[StoredObject, ...]] = {}
    for row in rows:
        role = row.pop("role")
        files[role] = (*files.get(role, ()), StoredObject(**row))
    return files


def _children(connection: sa.Connection, version: Version) -> list[str]:
    """Versions that were built from this one."""
    rows = rows_of(
        connection,
        "SELECT d.name, p.version FROM lineage.version_parent p JOIN lineage.dataset d USING (dataset_id) "
        "WHERE (p.parent_dataset_id, p.parent_version) = (:dataset_id, :version) ORDER BY d.name, p.version",
        dataset_id=version.dataset_id,
        version=version.version,
    )
    return [f"{row['name']}@{row['version']}" for row in rows]


def _history(connection: sa.Connection, version: Version) -> list[dict[str, Any]]:
    """What people did to this version, in order."""
    return rows_of(
        connection,
        "SELECT at, event, by_whom, detail FROM lineage.version_event "
        "WHERE (dataset_id, version) = (:dataset_id, :version) ORDER BY event_id",
        dataset_id=version.dataset_id,
        version=version.version,
    )


def parents_of(connection: sa.Connection, version: Version) -> list[str]:
    """Versions that this one was built from, in their order."""
    rows = rows_of(
        connection,
        "SELECT d.name, p.parent_version FROM lineage.version_parent p "
        "JOIN lineage.dataset d ON d.dataset_id = p.parent_dataset_id "
        "WHERE (p.dataset_id, p.version) = (:dataset_id, :version) ORDER BY p.ord",
        dataset_id=version.dataset_id,
        version=version.version,
    )
    return [f"{row['name']}@{row['parent_version']}" for row in rows]


def _objects(version: Version) -> list[dict[str, Any]]:
    roles = (
        ("data", version.data),
        ("refused", version.refused),
        ("scores", version.scores),
        ("evidence", version.evidence),
    )
    return [
        {"role": role, "sha256": stored.sha256, "rows": stored.n_rows, "bytes": stored.n_bytes}
        for role, objects in roles
        for stored in objects
    ]
