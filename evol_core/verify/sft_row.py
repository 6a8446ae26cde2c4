"""The instruction that a trainer sees: a query and the constraint on its answer, as two sentences."""

SENTENCE_ENDS = (".", "?", "!")


def join(query: str, constraint: str) -> str:
    """Query and constraint in one line: first letters capitalised, one full stop between, one at the end.

    A query that ends in `.`, `?` or `!` keeps its own end.

    Raises:
        ValueError: one of them is blank.
    """
    first, second = query.strip(), constraint.strip().rstrip(". ")
    if not first or not second:
        raise ValueError(f"join: a query and a constraint are needed, got {query!r} and {constraint!r}")
    if first.endswith("."):
        first = f"{first.rstrip('. ')}."
    elif not first.endswith(SENTENCE_ENDS):
        first = f"{first}."
    return f"{_capitalised(first)} {_capitalised(second)}."


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
