"""The stages of each flow in order, with their inputs and outputs."""

from evol_core.pipeline.context import Order
from evol_core.pipeline.flows import EVERYTHING, FLOWS, check_recipe, plan, run

__all__ = ["EVERYTHING", "FLOWS", "Order", "check_recipe", "plan", "run"]
