"""From what models wrote when asked for constraints to a clean list without repeats."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from evol_core.text import clean, fold

MIN_CHARS = 8
MAX_CHARS = 300

SIMILARITY = 0.8
"""Jaccard similarity of two constraints' character shingles from which they are the same."""

SHINGLE_CHARS = 4
N_PERMUTATIONS = 128


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


class Cleaned(NamedTuple):
    """Lines in = constraints + rejected."""

    constraints: tuple[str, ...]
    """New ones, without the seeds, in the order in which they came up."""

    rejected: "Counter[LineReject]"


_MARK = re.compile(r"^(?:[-*+•–—·]|\(?\d{1,3}[.):])\s+|^(?:[-*+•–—·]|\d{1,3}[.)])(?=[^\W\d])")  # noqa: RUF001
_WRAPPED = re.compile(r"^(\*\*|__|[\"'`“])(?P<inner>.*)(\*\*|__|[\"'`”])$")
_TALK = re.compile(
    r"^(?:sure|certainly|of course|okay|ok|here (?:are|is)|below|these|i hope|let me know|note|absolutely)\b|:$|^#",
    re.I,
)


def clean_constraints(replies: Iterable[ListReply], seeds: Sequence[str]) -> Cleaned:
    """New constraints out of replies: bare lines, each once, none of them a seed's."""
    lines, rejected = _lines(replies)
    seen = {_key(seed): LineReject.REPEATS_A_SEED for seed in seeds}
    fresh: list[str] = []
    for line in lines:
        key = _key(line)
        if key in seen:
            rejected[seen[key]] += 1
        else:
            seen[key] = LineReject.REPEATED
            fresh.append(line)
    distinct = _without_near_repeats(fresh, seeds)
    rejected[LineReject.NEARLY_REPEATED] += len(fresh) - len(distinct)
    return Cleaned(tuple(distinct), +rejected)


def _lines(replies: Iterable[ListReply]) -> tuple[list[str], "Counter[LineReject]"]:
    lines: list[str] = []
    rejected: Counter[LineReject] = Counter()
    for reply in replies:
        for line in _read(reply):
            if isinstance(line, LineReject):
                rejected[line] += 1
            else:
                lines.append(line)
    return lines, rejected


def _read(reply: ListReply) -> list[str | LineReject]:
    """Each line that is not blank: a constraint, or why it is none."""
    lines = [line.strip() for line in clean(reply.text).splitlines() if line.strip()]
    listed = any(_MARK.match(line) for line in lines)
    read = [_line(line, listed) for line in lines]
    if reply.cut_off and read:
        read[-1] = LineReject.CUT_OFF
    return read


def _line(line: str, listed: bool) -> str | LineReject:
    if listed != bool(_MARK.match(line)) or (not listed and _TALK.search(line)):
        return LineReject.NOT_IN_LIST
    text = _bare(line)
    if len(text) < MIN_CHARS:
        return LineReject.TOO_SHORT
    return LineReject.TOO_LONG if len(text) > MAX_CHARS else text


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


def _without_near_repeats(lines: Sequence[str], seeds: Sequence[str]) -> list[str]:
    """The lines that are nearly none of the seeds and none of the kept lines before them."""
    known = _NearIndex()
    for seed in seeds:
        known.add(seed)
    distinct: list[str] = []
    for line in lines:
        if not known.holds(line):
            known.add(line)
            distinct.append(line)
    return distinct


class _NearIndex:
    """Texts, to be asked whether they hold one nearly like another: candidates by MinHash, then counted exactly."""

    def __init__(self) -> None:
        from datasketch import MinHashLSH  # type: ignore[import-untyped]  # half a second that only this needs

        self._index = MinHashLSH(threshold=SIMILARITY - 0.2, num_perm=N_PERMUTATIONS)
        self._shingles: list[frozenset[str]] = []

    def add(self, text: str) -> None:
        self._index.insert(len(self._shingles), _sketch(_shingles(text)))
        self._shingles.append(_shingles(text))

    def holds(self, text: str) -> bool:
        own = _shingles(text)
        return any(_jaccard(own, self._shingles[place]) >= SIMILARITY for place in self._index.query(_sketch(own)))


def _sketch(shingles: frozenset[str]) -> Any:
    from datasketch import MinHash

    sketch = MinHash(num_perm=N_PERMUTATIONS, seed=1)
    sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in sorted(shingles)])
    return sketch


def _shingles(text: str) -> frozenset[str]:
    key = _key(text)
    return frozenset(key[at : at + SHINGLE_CHARS] for at in range(max(1, len(key) - SHINGLE_CHARS + 1)))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
