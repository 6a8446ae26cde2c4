"""ShareGPT: conversations; the first human turn is the instruction, the answer after it the output."""

from evol_core.seed.item import Draft, Unreadable, text_field

NAME = "sharegpt"

HUMAN = ("human", "user")


def draft(entry: object) -> Draft:
    turns = entry.get("conversations") if isinstance(entry, dict) else None
    if not isinstance(turns, list):
        raise Unreadable("no_conversations")
    for number, turn in enumerate(turns):
        if text_field(turn, "from") in HUMAN:
            return Draft(instruction=text_field(turn, "value"), output=_answer(turns[number + 1 : number + 2]))
    raise Unreadable("no_human_turn")


def _answer(following: list[object]) -> str | None:
    """The value of the next turn, unless a person spoke again."""
    if not following or text_field(following[0], "from") in HUMAN:
        return None
    return text_field(following[0], "value")
