"""Stories of the lineage (row.py, impact.py, checkpoint.py) as graphs."""

from collections.abc import Mapping
from typing import Any

from evol_core.lineage.graph import Graph

Story = Mapping[str, Any]


def row_graph(story: Story) -> Graph:
    """A row, every step back to its seeds, its answers, the versions and checkpoints that hold it."""
    graph = Graph()
    for step in story["history"]:
        _add_step(graph, step)
    row = _row(graph, story["row"])
    for response in story["responses"]:
        answer = graph.node("entity", "response", response["response_id"], f"{response['n_chars']} characters")
        graph.edge(answer, "wasDerivedFrom", row)
        _add_generation(graph, response, made=answer, of=row)
    for found in story["versions"]:
        graph.edge(_version(graph, found), "hadMember", row)
    _add_training(graph, story["training_runs"])
    return graph


def impact_graph(found: Story) -> Graph:
    """What hangs on a seed, a model or a prompt: the versions and checkpoints, not the rows one by one."""
    graph = Graph()
    ((what, name),) = found["of"].items()
    root = graph.node("agent" if what == "model" else "entity", what, name, str(name)[:60])
    for version in found["versions"]:
        key = _version(graph, version, n_affected=version["n_affected"])
        if what == "model":
            made = graph.node("activity", "generation", f"{name} {key}", f"{version['n_affected']} rows")
            graph.edge(made, "wasAssociatedWith", root)
            graph.edge(key, "wasGeneratedBy", made)
        else:
            graph.edge(key, "wasDerivedFrom", root)
    _add_training(graph, found["checkpoints"])
    return graph


def checkpoint_graph(story: Story) -> Graph:
    """A checkpoint, its training run, the versions that it read and those behind them."""
    graph = Graph()
    said = story["checkpoint"]
    training = {**said, "training_state": said["state"]}
    trained_on = [source for source in story["sources"] if source["depth"] == 0]
    _add_training(graph, [{**training, **_only(source, "dataset", "version")} for source in trained_on])
    for source in story["sources"]:
        key = _version(graph, source)
        for parent in source["parents"]:
            graph.edge(key, "wasDerivedFrom", graph.node("entity", "version", parent, parent))
    return graph


def _only(record: Story, *names: str) -> dict[str, Any]:
    return {name: record[name] for name in names}


def _row(graph: Graph, row: Story) -> str:
    return graph.node("entity", "row", row["instruction_id"], row["head"] or row["instruction_id"])


def _version(graph: Graph, found: Story, **attributes: Any) -> str:
    spec = f"{found['dataset']}@{found['version']}"
    return graph.node("entity", "version", spec, spec, state=found.get("state"), **attributes)


def _add_step(graph: Graph, step: Story) -> None:
    """One way in which a row came about."""
    row = _row(graph, step)
    if step["operator"] == "seed":
        place = f"{step['source']} line {step['line']}"
        graph.edge(row, "wasDerivedFrom", graph.node("entity", "source", place, place, licence=step["licence"]))
        return
    parent = graph.node("entity", "row", step["parent_id"], step["parent_head"] or step["parent_id"])
    graph.edge(row, "wasDerivedFrom", parent)
    _add_generation(graph, step, made=row, of=parent)


_SAID = [
    "operator",
    "round",
    "prompt",
    "prompt_hash",
    "model_revision",
    "tokenizer",
    "decoding",
    "seed",
    "code_version",
    "flow",
    "run_key",
    "task",
    "shard",
    "try_number",
    "attempt_id",
    "request_hash",
    "finish_reason",
]


def _add_generation(graph: Graph, step: Story, *, made: str, of: str) -> None:
    """The request that made something of something; none where a seed source brought it."""
    if step["request_hash"] is None:
        return
    label = f"{step['operator']}, round {step['round']}"
    generation = graph.node("activity", "generation", step["request_hash"], label, **_only(step, *_SAID))
    graph.edge(made, "wasGeneratedBy", generation)
    graph.edge(generation, "used", of)
    model = graph.node("agent", "model", step["model"], step["model"], revision=step["model_revision"])
    graph.edge(generation, "wasAssociatedWith", model)


def _add_training(graph: Graph, runs: list[dict[str, Any]]) -> None:
    """Training runs with the versions that they read and the checkpoints that they wrote."""
    for run in runs:
        name = run["training_run_id"]
        training = graph.node("activity", "training_run", name, f"training run {name}", state=run["training_state"])
        graph.edge(training, "used", _version(graph, run))
        graph.edge(training, "used", graph.node("entity", "base_model", run["base_model"], run["base_model"]))
        if run["checkpoint"] is not None:
            label = f"{run['uri']} after {run['step']} steps"
            checkpoint = graph.node("entity", "checkpoint", run["checkpoint"], label)
            graph.edge(checkpoint, "wasGeneratedBy", training)
