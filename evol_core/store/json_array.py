"""A file that is one JSON array, item by item: no more of it is in memory than its longest item and a little.

Items are read by the standard library's own decoder, so that what is JSON to `json.loads` is JSON here, and comes out
the same.
"""

import re
from collections.abc import Iterator
from json import JSONDecoder
from pathlib import Path
from typing import TextIO

CHUNK_CHARS = 1 << 16
"""Read at once; decides memory, not the result."""

_DECODER = JSONDecoder()

_BLANKS = re.compile(r"[ \t\n\r]*")

_BEHIND = re.compile(r"[ \t\n\r]*[,\]]")
"""What must stand behind an item: 12 at the end of what is read may be the beginning of 123."""


def array_values(path: Path, *, chunk_chars: int = CHUNK_CHARS) -> Iterator[object]:
    """The array's items in their order; those before the place where it breaks, too.

    Raises:
        ValueError: the file is no JSON array in UTF-8.
        RecursionError: something in it is nested too deep.
    """
    with path.open(encoding="utf-8-sig") as file:
        text = _Text(file, chunk_chars)
        if text.mark() != "[":
            raise ValueError("no array begins here")
        if not text.skip("]"):
            yield text.item()
            while text.mark() == ",":
                yield text.item()
        if text.mark():
            raise ValueError("something stands behind the array")


class _Text:
    """A file's text from where it is not taken yet; what was taken is let go."""

    def __init__(self, file: TextIO, chunk_chars: int) -> None:
        self._file = file
        self._chunk_chars = chunk_chars
        self._text = ""
        self._at = 0

    def skip(self, mark: str) -> bool:
        """Take this character if it comes next."""
        found = self._next() == mark
        self._at += found
        return found

    def mark(self) -> str:
        """Take the next character that is no blank; empty at the end of the file."""
        found = self._next()
        self._at += len(found)
        return found

    def item(self) -> object:
        """Take the next value, which a comma or the array's end must follow.

        Raises:
            ValueError: there is none.
            RecursionError: it is nested too deep.
        """
        self._next()
        while True:
            try:
                return self._item()
            except (ValueError, RecursionError):
                if not self._read_on():
                    raise

    def _item(self) -> object:
        value, end = _DECODER.raw_decode(self._text, self._at)
        if not _BEHIND.match(self._text, end):
            raise ValueError("neither a comma nor the array's end follows an item")
        self._at = end
        return value

    def _next(self) -> str:
        """The next character that is no blank, not taken."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            assert blanks
            self._at = blanks.end()
            if self._at < len(self._text) or not self._read_on():
                return self._text[self._at : self._at + 1]

    def _read_on(self) -> bool:
        """Read at least as much as is waiting, so that a long item is not tried too often; False at the file's end."""
        waiting = self._text[self._at :]
        more = self._file.read(max(self._chunk_chars, len(waiting)))
        self._text, self._at = waiting + more, 0
        return bool(more)
