"""Every flow's stages in order, and the way to run one of them or all.

A stage reads what earlier stages put out, does its part, and puts out object hashes and counts. Running a stage
again is harmless: models' answers come from the record, outputs are named by their content.
"""

from collections.abc import Callable, Mapping
from typing import Any

from evol_core.config import Settings
from evol_core.errors import RecipeError
from evol_core.pipeline.context import Build, MakeEngine, Order
from evol_core.pipeline.instruct import evolve_stage, score_stage, seed_stage
from evol_core.pipeline.publishing import publish_stage
from evol_core.runner import Report

Stage = Callable[[Build], dict[str, Any]]

FLOWS: Mapping[str, Mapping[str, Stage]] = {
    "evol_instruct": {
        "seed": seed_stage,
        "evolve": evolve_stage,
        "score": score_stage,
        "publish": publish_stage,
    },
}


def run(order: Order, settings: Settings, report: Report, make_engine: MakeEngine | None = None) -> dict[str, Any]:
    """Run the ordered stage, or all of them one after the other with the engines loaded once.

    Returns:
        The stage's output, of `all` the outputs by stage; under `requests` how many answers were replayed and
        generated, and what the engines did.

    Raises:
        EvolError: whatever the stage says.
    """
    stages = _stages(order)
    build = Build(order, settings, report, make_engine)
    try:
        outputs: dict[str, dict[str, Any]] = {}
        for name, stage in stages.items():
            outputs[name] = stage(build)
            build.put_output(name, outputs[name])
        requests = build.requests()
    finally:
        build.close()
    return {**(outputs if order.stage == "all" else outputs[order.stage]), "requests": requests}


def _stages(order: Order) -> Mapping[str, Stage]:
    if order.flow not in FLOWS:
        raise RecipeError(f"unknown flow {order.flow!r}; known: {sorted(FLOWS)}")
    flow = FLOWS[order.flow]
    if order.stage == "all":
        return flow
    if order.stage not in flow:
        raise RecipeError(f"flow {order.flow!r} has no stage {order.stage!r}; stages: {list(flow)}, or all")
    return {order.stage: flow[order.stage]}
