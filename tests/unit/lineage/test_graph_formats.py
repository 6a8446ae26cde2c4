"""Lineage graphs as text: whatever a model wrote stays inside its label, and PROV-JSON is closed in itself."""

import json
import re

from evol_core.lineage.graph import Graph
from evol_core.lineage.graph_formats import FORMATS, dot, mermaid, prov

NASTY = 'Say "]; evil -> n1 [label=\\"x\\"\n<script>alert(1)</script> end` | }'


def graph(label: str = "a row") -> Graph:
    graph = Graph()
    row = graph.node("entity", "row", "1", label, n=3, decoding={"top_p": 0.9}, nothing=None)
    made = graph.node("activity", "generation", "g", "deepen")
    model = graph.node("agent", "model", "smollm2", "smollm2")
    graph.edge(row, "wasGeneratedBy", made)
    graph.edge(made, "wasAssociatedWith", model)
    graph.edge(made, "wasAssociatedWith", model)
    return graph


def test_nodes_and_edges_stand_once() -> None:
    assert dot(graph()).count("->") == 2
    assert mermaid(graph()).count("-->") == 2


def test_what_a_model_wrote_stays_in_its_label_in_dot() -> None:
    for line in dot(graph(NASTY)).splitlines()[2:-1]:
        assert re.fullmatch(r'  n\d+ (-> n\d+ )?\[label="(?:[^"\\]|\\.)*"(, shape=\w+)?\];', line), line


def test_what_a_model_wrote_stays_in_its_label_in_mermaid() -> None:
    text = mermaid(graph(NASTY))

    (line,) = [line for line in text.splitlines() if line.startswith("  n0[")]
    label = line.removeprefix('  n0["row<br>').removesuffix('"]')
    assert not set(label) & set('"<>[]{}|`\n')
    assert len(text.splitlines()) == 6


def test_prov_names_only_what_it_holds() -> None:
    document = json.loads(prov(graph(NASTY)))

    held = {name for kind in ("entity", "activity", "agent") for name in document[kind]}
    for relation in ("wasGeneratedBy", "wasAssociatedWith"):
        for edge in document[relation].values():
            assert set(edge.values()) <= held
    (said,) = document["entity"].values()
    assert (said["prov:label"], said["evol:n"], said["evol:decoding"]) == (NASTY, 3, '{"top_p": 0.9}')
    assert "evol:nothing" not in said


def test_an_empty_graph_is_one_too() -> None:
    for form in FORMATS.values():
        assert form(Graph())
