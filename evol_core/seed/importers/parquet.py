"""Parquet: a column `instruction`, with `input` and `output` where there are; or `question` and `answer`."""

from evol_core.seed.item import Draft, optional_text, text_field

NAME = "parquet"


def draft(entry: object) -> Draft:
    if isinstance(entry, dict) and "question" in entry:
        return Draft(instruction=text_field(entry, "question"), output=optional_text(entry, "answer") or None)
    return Draft(
        instruction=text_field(entry, "instruction"),
        input=optional_text(entry, "input"),
        output=optional_text(entry, "output") or None,
    )
