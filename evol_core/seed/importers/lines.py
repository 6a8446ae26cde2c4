"""Plain text: one instruction a line."""

from evol_core.seed.item import Draft, Unreadable

NAME = "lines"


def draft(entry: object) -> Draft:
    if not isinstance(entry, str):
        raise Unreadable("not_a_line")
    return Draft(instruction=entry)
