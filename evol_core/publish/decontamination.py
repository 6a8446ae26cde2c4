"""Rows that share 13 words in a row with a benchmark's item: a model trained on them has seen the examination.

Words are compared without case, punctuation and kind of blank. A row is hit by every item that it shares words with,
and each hit is kept with the first words shared, so that a person can judge it.
An item of fewer than 13 words cannot be found this way; such items are counted, not guessed at.
Source: methods 5.10.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

N = 13

WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One prompt of a benchmark."""

    benchmark: str
    item: str
    """Its name or number in the benchmark."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A row that shares words with an item."""

    row_id: str
    benchmark: str
    item: str
    words: str
    """The first 13 words that both have, as they are compared."""


class Benchmarks:
    """The runs of words of all benchmarks' items, made once and asked for every row."""

    def __init__(self, items: Iterable[Item], *, n: int = N) -> None:
        """
        Raises:
            ValueError: n is no number of words.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1 word, got {n}")
        self.n = n
        self.too_short: list[Item] = []
        """Items of fewer than n words, which nothing can hit."""

        self._items: dict[str, list[Item]] = {}
        for item in items:
            runs = dict.fromkeys(ngrams(words_of(item.text), n))
            if not runs:
                self.too_short.append(item)
            for run in runs:
                self._items.setdefault(run, []).append(item)

    def hits(self, row_id: str, *texts: str) -> list[Hit]:
        """One hit an item that shares n words with any of a row's texts, in the order in which they are met."""
        found: dict[tuple[str, str], Hit] = {}
        for text in texts:
            for run in ngrams(words_of(text), self.n):
                for item in self._items.get(run, ()):
                    hit = Hit(row_id=row_id, benchmark=item.benchmark, item=item.item, words=run)
                    found.setdefault((item.benchmark, item.item), hit)
        return list(found.values())


def words_of(text: str) -> list[str]:
    """Words as they are compared: one kind of character for what looks the same, no case, no punctuation."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def ngrams(words: Sequence[str], n: int) -> Iterator[str]:
    """Every n words in a row."""
    for first in range(len(words) - n + 1):
        yield " ".join(words[first : first + n])
