"""From what models wrote when asked for constraints to a clean list without repeats."""

import math
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple
from zlib import crc32

from evol_core.text import clean, fold

MIN_CHARS = 8
MAX_CHARS = 300

SIMILARITY = 0.8
"""Jaccard similarity of two constraints' character shingles from which they are the same."""

SHINGLE_CHARS = 4


class LineReject(StrEnum):
    """Why a line of a reply is no new constraint."""

    NOT_IN_LIST = "not_in_list"
    """Talk before or after the list."""
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CUT_OFF = "cut_off"
    """The last line of a reply that ran into its limit."""
    REPEATED = "repeated"
    REPEATS_A_SEED = "repeats_a_seed"
    NEARLY_REPEATED = "nearly_repeated"


class ListReply(NamedTuple):
    """One reply to a request for constraints."""

    text: str
    cut_off: bool = False


class NewConstraint(NamedTuple):
    text: str
    reply: int
    """Number of the reply that it first came up in, from 0."""


class RejectedLine(NamedTuple):
    text: str
    reply: int
    reason: LineReject


class Cleaned(NamedTuple):
    """Lines in = constraints + rejected."""

    constraints: tuple[NewConstraint, ...]
    """Without the seeds, in the order in which they came up."""

    rejected: tuple[RejectedLine, ...]


_MARK = re.compile(r"^(?:[-*+•–—·]|\(?\d{1,3}[.):])\s+|^(?:[-*+•–—·]|\d{1,3}[.)])(?=[^\W\d])")  # noqa: RUF001
_WRAPPED = re.compile(r"^(\*\*|__|[\"'`“])(?P<inner>.*)(\*\*|__|[\"'`”])$")
_TALK = re.compile(
    r"^(?:sure|certainly|of course|okay|ok|here (?:are|is)|below|these|i hope|let me know|note|absolutely)\b|:$|^#",
    re.I,
)


def clean_constraints(replies: Iterable[ListReply], seeds: Sequence[str]) -> Cleaned:
    """New constraints out of replies: bare lines, each once, none of them a seed's."""
    seen = {_key(seed): LineReject.REPEATS_A_SEED for seed in seeds}
    known = _NearIndex(seeds)
    constraints: list[NewConstraint] = []
    rejected: list[RejectedLine] = []
    for number, reply in enumerate(replies):
        for text, fault in _read(reply):
            reason = fault or seen.get(_key(text)) or (LineReject.NEARLY_REPEATED if known.holds(text) else None)
            if reason:
                rejected.append(RejectedLine(text, number, reason))
                continue
            seen[_key(text)] = LineReject.REPEATED
            known.add(text)
            constraints.append(NewConstraint(text, number))
    return Cleaned(tuple(constraints), tuple(rejected))


def _read(reply: ListReply) -> list[tuple[str, LineReject | None]]:
    """Each line that is not blank, and why it is no constraint."""
    lines = [line.strip() for line in clean(reply.text).splitlines() if line.strip()]
    listed = any(_MARK.match(line) for line in lines)
    read = [_line(line, listed) for line in lines]
    if reply.cut_off and read:
        read[-1] = (read[-1][0], LineReject.CUT_OFF)
    return read


def _line(line: str, listed: bool) -> tuple[str, LineReject | None]:
    if listed != bool(_MARK.match(line)) or (not listed and _TALK.search(line)):
        return line, LineReject.NOT_IN_LIST
    text = _bare(line)
    if len(text) < MIN_CHARS:
        return text, LineReject.TOO_SHORT
    return text, LineReject.TOO_LONG if len(text) > MAX_CHARS else None


def _bare(line: str) -> str:
    """A line without its bullet or number, and without bold or quotes round the whole of it."""
    text = _MARK.sub("", line.strip(), count=1).strip()
    wrapped = _WRAPPED.match(text)
    if wrapped and wrapped[1] not in wrapped["inner"] and wrapped[3] not in wrapped["inner"]:
        text = wrapped["inner"].strip()
    return text


def _key(text: str) -> str:
    """What lines that differ only in case, spacing and a final full stop have in common."""
    return fold(_bare(text).rstrip(". "))


class _NearIndex:
    """Texts, to be asked whether they hold one nearly like another.

    Two sets that share enough have one shingle in common among the first few of each, whatever the order in which all
    shingles are put; only texts that pass this are compared.

    Source: Chaudhuri et al. 2006, "A primitive operator for similarity joins" (the prefix filter).
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._places: dict[str, list[int]] = {}
        self._shingles: list[frozenset[str]] = []
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        own = _shingles(text)
        for shingle in _prefix(own):
            self._places.setdefault(shingle, []).append(len(self._shingles))
        self._shingles.append(own)

    def holds(self, text: str) -> bool:
        own = _shingles(text)
        candidates = {place for shingle in _prefix(own) for place in self._places.get(shingle, ())}
        return any(_jaccard(own, self._shingles[place]) >= SIMILARITY for place in candidates)


def _prefix(shingles: frozenset[str]) -> list[str]:
    """The first of the shingles, in an order that has nothing to do with what they say."""
    needed = math.ceil(SIMILARITY * len(shingles) - 1e-9)
    return sorted(shingles, key=_place_of)[: len(shingles) - needed + 1]


def _place_of(shingle: str) -> tuple[int, str]:
    return crc32(shingle.encode("utf-8", "surrogatepass")), shingle


def _shingles(text: str) -> frozenset[str]:
    key = _key(text)
    return frozenset(key[at : at + SHINGLE_CHARS] for at in range(max(1, len(key) - SHINGLE_CHARS + 1)))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
