"""A lineage graph as text: Graphviz DOT, Mermaid, or PROV-JSON.

Labels hold what models wrote, so everything that a format could take for its own is escaped.
"""

import html
import json
from collections.abc import Callable, Mapping
from typing import Any

from evol_core.lineage.graph import Edge, Graph, Kind

LABEL_CHARS = 60

PREFIX = {"evol": "https://evol.invalid/ns#"}
"""A name of our own, which leads nowhere on purpose."""

_SHAPES: Mapping[Kind, str] = {"entity": "box", "activity": "ellipse", "agent": "house"}

_BRACKETS: Mapping[Kind, tuple[str, str]] = {"entity": ("[", "]"), "activity": ("([", "])"), "agent": ("[/", "\\]")}


def dot(graph: Graph) -> str:
    """For Graphviz: `dot -Tsvg`."""
    numbers = {key: f"n{number}" for number, key in enumerate(graph.nodes)}
    lines = ["digraph lineage {", "  rankdir=RL;"]
    lines += [
        f'  {numbers[key]} [label="{node.type}\\n{_dot_text(_short(node.label))}", shape={_SHAPES[node.kind]}];'
        for key, node in graph.nodes.items()
    ]
    lines += [f'  {numbers[edge.source]} -> {numbers[edge.target]} [label="{edge.relation}"];' for edge in graph.edges]
    return "\n".join([*lines, "}"])


def mermaid(graph: Graph) -> str:
    """For Markdown pages that draw Mermaid."""
    numbers = {key: f"n{number}" for number, key in enumerate(graph.nodes)}
    lines = ["flowchart RL"]
    for key, node in graph.nodes.items():
        left, right = _BRACKETS[node.kind]
        lines.append(f'  {numbers[key]}{left}"{node.type}<br>{_mermaid_text(_short(node.label))}"{right}')
    lines += [f"  {numbers[edge.source]} -->|{edge.relation}| {numbers[edge.target]}" for edge in graph.edges]
    return "\n".join(lines)


def prov(graph: Graph) -> str:
    """PROV-JSON (W3C submission of 24 April 2013)."""
    document: dict[str, Any] = {"prefix": PREFIX}
    for key, node in graph.nodes.items():
        said = {f"evol:{name}": _prov_value(value) for name, value in node.attributes.items()}
        described = {"prov:type": f"evol:{node.type}", "prov:label": node.label, **said}
        document.setdefault(node.kind, {})[_name(key)] = described
    for number, edge in enumerate(graph.edges):
        document.setdefault(edge.relation, {})[f"_:e{number}"] = _prov_edge(edge)
    return json.dumps(document, ensure_ascii=False, indent=2)


FORMATS: Mapping[str, Callable[[Graph], str]] = {"dot": dot, "mermaid": mermaid, "prov": prov}

_ENDS: Mapping[str, tuple[str, str]] = {
    "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
    "wasGeneratedBy": ("prov:entity", "prov:activity"),
    "used": ("prov:activity", "prov:entity"),
    "wasAssociatedWith": ("prov:activity", "prov:agent"),
    "hadMember": ("prov:collection", "prov:entity"),
}


def _prov_edge(edge: Edge) -> dict[str, str]:
    source, target = _ENDS[edge.relation]
    return {source: _name(edge.source), target: _name(edge.target)}


def _prov_value(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool)) else json.dumps(value, sort_keys=True)


def _name(key: str) -> str:
    """A qualified name; what may not stand in one is written as its code."""
    return "evol:" + "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else f"_{ord(c):x}_" for c in key)


def _short(text: str) -> str:
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= LABEL_CHARS else f"{line[: LABEL_CHARS - 3]}..."


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _mermaid_text(text: str) -> str:
    """Entities, as Mermaid writes them: #quot; and the like; its own signs as their codes."""
    escaped = "".join(f"#{ord(c)};" if c in "#;`[](){}|\\*_~" else c for c in text)
    return html.escape(escaped, quote=True).replace("&quot;", "#quot;").replace("&#x27;", "#39;").replace("&", "#")
