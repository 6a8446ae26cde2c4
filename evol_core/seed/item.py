"""What an importer gives: one entry of a source, read as far as it can be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry's fields, not cleaned yet."""

    instruction: str
    input: str = ""
    output: str | None = None
    """None where the source has no answer."""


class Unreadable(Exception):
    """This entry is not what its format says; the message is a reason, snake_case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of one source: a draft, or why there is none."""

    source: str
    """The file's name, without its folder: the same on every machine."""

    licence: str
    line: int
    """The line from 1; in an array or a table the entry's number from 1."""

    raw: str
    """What stood there, for whoever looks into it."""

    draft: Draft | None
    problem: str = ""
    """Why there is no draft."""


def text_field(entry: object, name: str) -> str:
    """A text of an entry.

    Raises:
        Unreadable: the entry is no object, lacks the field, or holds something else there.
    """
    if not isinstance(entry, dict):
        raise Unreadable("not_an_object")
    if name not in entry:
        raise Unreadable(f"no_{name}")
    text = entry[name]
    if not isinstance(text, str):
        raise Unreadable(f"{name}_is_no_text")
    return text


def optional_text(entry: object, name: str) -> str:
    """As `text_field`; empty where the entry lacks the field or holds null there."""
    if isinstance(entry, dict) and entry.get(name) is None:
        return ""
    return text_field(entry, name)
