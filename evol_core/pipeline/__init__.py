"""The stages of each flow in order, with their inputs and outputs."""

from evol_core.pipeline.check import check_recipe
from evol_core.pipeline.context import Order
from evol_core.pipeline.flows import FLOWS, run

__all__ = ["FLOWS", "Order", "check_recipe", "run"]
