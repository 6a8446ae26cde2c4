"""Self-instruct tasks: an instruction and instances; the first instance is taken.

Source: Wang et al. 2022, arXiv:2212.10560.
"""

from evol_core.seed.item import Draft, Unreadable, optional_text, text_field

NAME = "self_instruct"


def draft(entry: object) -> Draft:
    instruction = text_field(entry, "instruction")
    instances = entry.get("instances") if isinstance(entry, dict) else None
    if not isinstance(instances, list) or not instances:
        raise Unreadable("no_instances")
    return Draft(
        instruction=instruction,
        input=optional_text(instances[0], "input"),
        output=optional_text(instances[0], "output") or None,
    )
