"""Alpaca: objects of instruction, input and output, as a JSON array or as JSON lines."""

from evol_core.seed.item import Draft, optional_text, text_field

NAME = "alpaca"


def draft(entry: object) -> Draft:
    return Draft(
        instruction=text_field(entry, "instruction"),
        input=optional_text(entry, "input"),
        output=optional_text(entry, "output") or None,
    )
