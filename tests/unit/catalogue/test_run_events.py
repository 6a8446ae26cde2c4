import json
import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from evol_core.catalogue.run_events import OUR_FACETS, Event, Identity, publication_id, run_events, run_id
from evol_core.config import PROJECT_ROOT
from evol_core.lineage.outbox import OutboxEvent
from evol_core.store.objects import ObjectStore
from tests.unit.catalogue.catalogue_facts import some_facts

AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

REPOSITORY = "https://example.org/evol"


def told(kind: str = "published", **said: Any) -> OutboxEvent:
    payload = {"event": kind, "dataset": "evol", "version": 3, **said}
    return OutboxEvent(event_id=1, key=f"{kind}:1:3", payload=payload, at=AT)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path)


def facets_of(event: Event) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every facet of an event by its name."""
    yield from event["run"]["facets"].items()
    yield from event["job"]["facets"].items()
    for dataset in (*event.get("inputs", ()), *event.get("outputs", ())):
        yield from dataset["facets"].items()
        yield from dataset.get("outputFacets", {}).items()


EVENTS = [
    pytest.param(told(), {}, id="published"),
    pytest.param(told("quarantined"), {}, id="quarantined"),
    pytest.param(told("released", by="ada", reason="read it"), {}, id="released"),
    pytest.param(told("retracted", by="ada", reason="wrong"), {"columns": ()}, id="without its object"),
    pytest.param(told(), {"parents": (), "steps": []}, id="seeds"),
]


@pytest.mark.parametrize(("event", "changes"), EVENTS)
@pytest.mark.parametrize("repository", ["", REPOSITORY])
def test_facets_of_our_own_keep_their_schema(
    store: ObjectStore, event: OutboxEvent, changes: dict[str, Any], repository: str
) -> None:
    schema = json.loads((PROJECT_ROOT / OUR_FACETS).read_text())
    registry = Resource.from_contents(schema) @ Registry()
    ours = 0
    for one in run_events(event, some_facts(store, **changes), Identity(repository=repository)):
        for name, facet in facets_of(one):
            if name.startswith("evol_"):
                definition = facet["_schemaURL"].partition("#")[2]
                validate(facet, {"$ref": f"urn:evol:facets:1#{definition}"}, registry)
                ours += 1
    assert ours == (1 if not changes.get("steps", True) else 2)


@pytest.mark.skipif(
    "EVOL_OPENLINEAGE_SPEC" not in os.environ,
    reason="set EVOL_OPENLINEAGE_SPEC to a folder with OpenLineage.json and the facets' schemas, as published",
)
@pytest.mark.parametrize(("event", "changes"), EVENTS)
def test_events_keep_the_published_schemas(store: ObjectStore, event: OutboxEvent, changes: dict[str, Any]) -> None:
    schemas = {path.stem: json.loads(path.read_text()) for path in Path(os.environ["EVOL_OPENLINEAGE_SPEC"]).glob("*")}
    core = Resource.from_contents(schemas["OpenLineage"])
    anything_else: Any = Registry(retrieve=lambda uri: core)  # type: ignore[call-arg]
    registry = anything_else.with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()]
    )
    checked = set()
    for one in run_events(event, some_facts(store, **changes), Identity(repository=REPOSITORY)):
        validate(one, {"$ref": f"{schemas['OpenLineage']['$id']}#/$defs/RunEvent"}, registry)
        for name, facet in facets_of(one):
            if not name.startswith("evol_"):
                *_, version, file, _, kind = facet["_schemaURL"].split("/")
                assert schemas[kind]["$id"].endswith(f"/{version}/{file.removesuffix('#')}"), "of the version it names"
                validate({name: facet}, {"$ref": schemas[kind]["$id"]}, registry)
                assert name in schemas[kind]["properties"]
                checked.add(kind)
    assert "OutputStatisticsOutputDatasetFacet" in checked


def is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


FORMATS = FormatChecker()
"""`uuid` is checked by itself; for the others jsonschema wants packages that are not here, and is silent without."""
FORMATS.checkers = {**FORMATS.checkers, "date-time": (is_time, ValueError), "uri": (is_uri, ValueError)}


def validate(value: Any, schema: dict[str, Any], registry: Any) -> None:
    Draft202012Validator(schema, registry=registry, format_checker=FORMATS).validate(value)


@pytest.mark.parametrize(("event", "changes"), EVENTS)
def test_every_event_says_what_the_format_wants(
    store: ObjectStore, event: OutboxEvent, changes: dict[str, Any]
) -> None:
    events = run_events(event, some_facts(store, **changes), Identity())

    assert [one["eventType"] for one in events] == ["START", "COMPLETE"]
    assert events[0]["run"]["runId"] == events[1]["run"]["runId"]
    for one in events:
        assert {"eventTime", "producer", "schemaURL", "run", "job"} <= one.keys()
        assert datetime.fromisoformat(one["eventTime"]).tzinfo is not None
        assert str(uuid.UUID(one["run"]["runId"])) == one["run"]["runId"]
        assert all({"_producer", "_schemaURL"} <= facet.keys() for _, facet in facets_of(one))


def test_an_event_is_the_same_however_often_it_is_built(store: ObjectStore) -> None:
    once, again = (json.dumps(run_events(told(), some_facts(store), Identity())) for _ in range(2))

    assert once == again


def test_runs_are_told_apart(store: ObjectStore) -> None:
    facts = some_facts(store)
    retried = replace(facts, attempt={**facts.attempt, "try_number": 2})
    seeds = replace(facts, version=replace(facts.version, name="evol.seeds"))

    assert len({publication_id(facts), publication_id(retried), publication_id(seeds), run_id(facts.attempt)}) == 4
    assert run_id(facts.attempt) == run_id(retried.attempt)


def test_a_publication_names_versions_rows_and_its_run(store: ObjectStore) -> None:
    facts = some_facts(store, parts=2)

    start, end = run_events(told(), facts, Identity(namespace="night"))

    assert (start["eventTime"], end["eventTime"]) == ("2026-11-23T02:00:00.000Z", "2026-11-23T02:30:00.000Z")
    assert end["job"]["name"] == "evol_instruct.publish.evol"
    assert end["run"]["facets"]["parent"]["run"] == {"runId": run_id(facts.attempt)}
    (given,), (output,) = end["inputs"], end["outputs"]
    assert (given["namespace"], given["name"]) == ("night", "evol.seeds")
    assert given["facets"]["version"]["datasetVersion"] == "2"
    assert (output["name"], output["facets"]["version"]["datasetVersion"]) == ("evol", "3")
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["fileCount"]) == (4, 2)


def test_columns_lead_to_the_parents_columns_by_operator_and_metric(store: ObjectStore) -> None:
    _, end = run_events(told(), some_facts(store), Identity())

    fields = end["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert set(fields) == {"instruction", "score_ifd"}
    assert [(one["name"], one["field"]) for one in fields["instruction"]["inputFields"]] == [
        ("evol.seeds", "instruction"),
        ("evol.seeds", "input"),
    ]
    (done,) = fields["instruction"]["inputFields"][0]["transformations"]
    assert done["description"] == f"deepen, prompt {'ab' * 6}"
    assert fields["score_ifd"]["inputFields"][0]["transformations"][0]["description"] == "metric ifd"


def test_the_code_is_named_where_it_has_a_place(store: ObjectStore) -> None:
    _, end = run_events(told(), some_facts(store), Identity(repository=REPOSITORY))
    _, nowhere = run_events(told(), some_facts(store), Identity())

    location = end["job"]["facets"]["sourceCodeLocation"]
    assert (location["type"], location["url"], location["version"]) == ("git", REPOSITORY, "abc123")
    assert "sourceCodeLocation" not in nowhere["job"]["facets"]


def test_a_persons_word_is_a_run_of_its_own(store: ObjectStore) -> None:
    facts = some_facts(store)
    _, published = run_events(told(), facts, Identity())
    _, released = run_events(told("released", by="ada", reason="read it"), facts, Identity())

    assert released["run"]["runId"] != published["run"]["runId"]
    assert (released["job"]["name"], released["eventTime"]) == ("evol.released.evol", "2026-11-24T08:00:00.000Z")
    said = released["outputs"][0]["facets"]["evol_version"]
    assert (said["state"], said["by"], said["reason"]) == ("released", "ada", "read it")
