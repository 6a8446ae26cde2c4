"""What came about with a version, as OpenLineage run events. Format: https://openlineage.io/spec/2-0-2.

Everything is deterministic: the same event is built the same however often it is sent, so a catalogue that gets it
twice has one. A run is one attempt at publishing a version, or one word of a person on it; a dataset's version is ours.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from evol_core.catalogue.facts import Facts
from evol_core.lineage.outbox import OutboxEvent

SPEC = "https://openlineage.io/spec"
RUN_EVENT = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"

OUR_FACETS = "docs/openlineage_facets.json"
"""The schema of the facets that are our own, in the repository."""

_IDS = uuid.UUID("5f2c9f0e-6f0b-5d3f-9a52-65d0a2f4e6d1")
"""The namespace of our run ids."""

PUBLICATIONS = frozenset({"published", "quarantined"})
"""Events of the attempt that made the version; others are a person's word on it."""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are in the catalogue."""

    namespace: str = "evol"
    """Of our jobs and datasets."""

    repository: str = ""
    """URL of the code; empty where it has none to show, and then no facet says where it lies."""

    @property
    def producer(self) -> str:
        return self.repository or "urn:evol"


def run_events(told: OutboxEvent, facts: Facts, identity: Identity) -> list[Event]:
    """The start and the end of the run that the event tells of."""
    facets = _Facets(identity)
    kind = str(told.payload["event"])
    published = kind in PUBLICATIONS
    began, ended = (facts.began, facts.created) if published else (told.at, told.at)
    run_id = publication_id(facts) if published else _id("event", told.key)
    place = f"{facts.attempt['flow']}.{facts.attempt['task']}" if published else f"evol.{kind}"
    name = f"{place}.{facts.version.name}"
    job = {"namespace": identity.namespace, "name": name, "facets": _job_facets(facts, facets)}
    common: Event = {"producer": identity.producer, "schemaURL": RUN_EVENT, "job": job}
    run_facets = _run_facets(facts, facets, is_attempt=published)
    return [
        common | {"eventType": "START", "eventTime": _time(began), "run": {"runId": run_id, "facets": run_facets}},
        common
        | {
            "eventType": "COMPLETE",
            "eventTime": _time(ended),
            "run": {"runId": run_id, "facets": run_facets | _generation(facts, facets)},
            "inputs": _inputs(facts, facets) if published else [],
            "outputs": [_output(told, facts, facets)],
        },
    ]


def publication_id(facts: Facts) -> str:
    """The run id of an attempt at publishing one version: an attempt at a whole flow publishes several."""
    attempt = [str(facts.attempt[name]) for name in ("flow", "run_key", "task", "shard", "try_number")]
    return _id("publication", *attempt, facts.version.spec)


def run_id(attempt: Mapping[str, Any]) -> str:
    """The run id of the attempt's whole run."""
    return _id("run", attempt["flow"], attempt["run_key"])


def _id(*parts: str) -> str:
    return str(uuid.uuid5(_IDS, "\x1f".join(parts)))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Facets:
    """Facets of one producer."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def standard(self, version: str, name: str, /, **said: Any) -> Event:
        return self._facet(f"{SPEC}/facets/{version}/{name}.json#/$defs/{name}", said)

    def ours(self, name: str, /, **said: Any) -> Event:
        repository = self.identity.repository
        where = f"{repository.rstrip('/')}/{OUR_FACETS}" if repository else "urn:evol:facets:1"
        return self._facet(f"{where}#/$defs/{name}", said)

    def _facet(self, schema: str, said: Mapping[str, Any]) -> Event:
        return {"_producer": self.identity.producer, "_schemaURL": schema, **said}

    def dataset(self, name: str, version: int, /, **facets: Event) -> Event:
        stated = self.standard("1-0-0", "DatasetVersionDatasetFacet", datasetVersion=str(version))
        return {"namespace": self.identity.namespace, "name": name, "facets": {"version": stated, **facets}}


def _job_facets(facts: Facts, facets: _Facets) -> Event:
    said = {
        "jobType": facets.standard(
            "2-0-4", "JobTypeJobFacet", processingType="BATCH", integration="EVOL", jobType="TASK"
        )
    }
    repository = facets.identity.repository
    if repository:
        commit = facts.summary["code_version"].partition("+")[2]
        said["sourceCodeLocation"] = facets.standard(
            *("1-1-0", "SourceCodeLocationJobFacet"),
            **{"type": "git", "url": repository, "repoUrl": repository},
            **({"version": commit} if commit else {}),
        )
    return said


def _run_facets(facts: Facts, facets: _Facets, *, is_attempt: bool) -> Event:
    engine = facets.standard("1-1-0", "ProcessingEngineRunFacet", name="evol", version=facts.summary["code_version"])
    if not is_attempt:
        return {"processing_engine": engine}
    parent = facets.standard(
        "1-2-0",
        "ParentRunFacet",
        run={"runId": run_id(facts.attempt)},
        job={"namespace": facets.identity.namespace, "name": facts.attempt["flow"]},
    )
    return {"parent": parent, "processing_engine": engine}


def _generation(facts: Facts, facets: _Facets) -> Event:
    """What models did for the rows: no standard facet has room for it."""
    if not facts.steps:
        return {}
    steps = [
        {
            "operator": step["operator"],
            "round": step["round"],
            "promptHash": step["prompt_hash"],
            "model": step["model"],
            "modelRevision": step["revision"],
            "decodingHash": step["decoding_hash"],
            "rows": step["rows"],
        }
        for step in facts.steps
    ]
    said = facets.ours("EvolGenerationRunFacet", recipeHash=facts.summary["recipe_hash"], steps=steps)
    return {"evol_generation": said}


def _inputs(facts: Facts, facets: _Facets) -> list[Event]:
    return [facets.dataset(name, version) for name, version in facts.parents]


def _output(told: OutboxEvent, facts: Facts, facets: _Facets) -> Event:
    said = facts.summary
    facts_of_version = facets.ours(
        "EvolVersionDatasetFacet",
        state=told.payload["event"],
        rowsIn=said["n_in"],
        accepted=said["n_accepted"],
        rejected=said["n_rejected"],
        failed=said["n_failed"],
        closedGates=list(said["closed_gates"]),
        **{name: told.payload[name] for name in ("by", "reason") if told.payload.get(name)},
    )
    dataset = facets.dataset(facts.version.name, facts.version.version, evol_version=facts_of_version)
    if facts.columns:
        fields = [{"name": column.name, "type": column.type} | _described(column.meaning) for column in facts.columns]
        dataset["facets"]["schema"] = facets.standard("1-2-0", "SchemaDatasetFacet", fields=fields)
    if lineage := dict(_column_lineage(facts, facets.identity)):
        dataset["facets"]["columnLineage"] = facets.standard("1-1-0", "ColumnLineageDatasetFacet", fields=lineage)
    statistics = facets.standard(
        *("1-0-1", "OutputStatisticsOutputDatasetFacet"),
        rowCount=said["n_rows"],
        size=sum(stored.n_bytes for stored in facts.version.data),
        fileCount=len(facts.version.data),
    )
    return dataset | {"outputFacets": {"outputStatistics": statistics}}


def _described(meaning: str) -> Event:
    return {"description": meaning} if meaning else {}


READ = ("instruction", "input")
"""Columns of a parent version that models read."""

MADE = ("instruction", "input", "output")
"""Columns that models, or the parent's own text, make."""


def _column_lineage(facts: Facts, identity: Identity) -> Iterator[tuple[str, Event]]:
    """Which columns of the parents a column was made of, and by what; nothing for a version of files."""
    if not facts.parents:
        return
    steps = [
        {"type": "DIRECT", "subtype": "TRANSFORMATION", "description": text, "masking": False}
        for text in sorted({f"{step['operator']}, prompt {step['prompt_hash'][:12]}" for step in facts.steps})
    ]
    for column in facts.columns:
        if column.name in MADE:
            done = steps
        elif column.name.startswith("score_"):
            metric = f"metric {column.name.removeprefix('score_')}"
            done = [{"type": "DIRECT", "subtype": "AGGREGATION", "description": metric, "masking": False}]
        else:
            continue
        inputs = [
            {"namespace": identity.namespace, "name": name, "field": field, "transformations": done}
            for name, _ in facts.parents
            for field in READ
        ]
        yield column.name, {"inputFields": inputs}
