"""Lineage as a graph in the terms of W3C PROV: entities, activities, agents, and how they hang together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["entity", "activity", "agent"]

Relation = Literal["wasDerivedFrom", "wasGeneratedBy", "used", "wasAssociatedWith", "hadMember"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A row, a version, a checkpoint (entities); a generation, a training run (activities); a model (an agent)."""

    key: str
    kind: Kind
    type: str
    """row, source, response, generation, model, version, training_run or checkpoint."""

    label: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`source` wasDerivedFrom, used, hadMember ... `target`."""

    source: str
    relation: Relation
    target: str


class Graph:
    """Nodes and edges, each once, in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: dict[Edge, None] = {}

    def node(self, kind: Kind, type: str, name: object, label: str, **attributes: Any) -> str:
        """Add a node, unless it is there; returns its key."""
        key = f"{type}:{name}"
        said = {name: value for name, value in attributes.items() if value is not None}
        self.nodes.setdefault(key, Node(key=key, kind=kind, type=type, label=label, attributes=said))
        return key

    def edge(self, source: str, relation: Relation, target: str) -> None:
        self.edges.setdefault(Edge(source=source, relation=relation, target=target))
