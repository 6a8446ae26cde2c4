"""What is published: a version's objects, origin, counts and gates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evol_core.errors import RowsLost
from evol_core.records import content_hash
from evol_core.store.objects import StoredObject

State = Literal["published", "quarantined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the rows of a build.

    Raises:
        RowsLost: they do not add up.
    """

    n_in: int
    accepted: int
    rejected: int
    failed: int

    def __post_init__(self) -> None:
        n_out = self.accepted + self.rejected + self.failed
        if self.n_in != n_out:
            raise RowsLost(
                f"rows in: {self.n_in}; rows out: {n_out} = {self.accepted} accepted + {self.rejected} rejected "
                f"+ {self.failed} failed; nothing was published"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A version to be, whole."""

    name: str
    kind: Literal["seeds", "dataset"]
    recipe_hash: str
    code_version: str
    parents: tuple[tuple[str, int], ...]
    """Names and versions that it was built from."""

    data: tuple[StoredObject, ...]
    """Accepted rows, in order; of one schema."""

    refused: tuple[StoredObject, ...]
    scores: tuple[StoredObject, ...]
    counts: Counts
    gates: tuple[dict[str, Any], ...]
    """name, wanted, found, passed; one that did not pass quarantines the version."""

    metadata: Mapping[str, Any]
    """Free JSON: licences, models. No part of the version's identity."""

    evidence: tuple[StoredObject, ...] = ()
    """Tables behind the rows: what was tried, checked and decided on the way to them."""

    def __post_init__(self) -> None:
        if len({stored.schema_hash for stored in self.data}) > 1:
            raise ValueError(f"data objects of {self.name} have different schemas")

    @property
    def schema_hash(self) -> str:
        """Of the data objects; empty where there are none."""
        return self.data[0].schema_hash if self.data else ""

    @property
    def objects(self) -> tuple[StoredObject, ...]:
        return (*self.data, *self.refused, *self.scores, *self.evidence)

    @property
    def files(self) -> list[tuple[str, str]]:
        """Role and hash of every object, in order."""
        roles = (
            ("data", self.data),
            ("refused", self.refused),
            ("scores", self.scores),
            ("evidence", self.evidence),
        )
        return [(role, stored.sha256) for role, objects in roles for stored in objects]

    @property
    def manifest_hash(self) -> str:
        """SHA-256 of content and origin: the same build again has the same, whoever runs it and whenever."""
        return content_hash(
            {
                "name": self.name,
                "kind": self.kind,
                "files": self.files,
                "schema": self.schema_hash,
                "recipe": self.recipe_hash,
                "parents": self.parents,
                "gates": self.gates,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRef:
    """The version that rows are loaded for, while it is being published."""

    name: str
    dataset_id: int
    version: int
    attempt_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Which version now holds the content."""

    name: str
    version: int
    state: State
    replayed: bool
    """Whether it was there before: nothing was loaded or changed."""
