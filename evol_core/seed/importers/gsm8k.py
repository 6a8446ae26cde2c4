"""GSM8K: objects of question and answer. Source: Cobbe et al. 2021, arXiv:2110.14168."""

from evol_core.seed.item import Draft, optional_text, text_field

NAME = "gsm8k"


def draft(entry: object) -> Draft:
    return Draft(instruction=text_field(entry, "question"), output=optional_text(entry, "answer") or None)
