"""What text goes through before it gets an identity, and how two texts are compared."""

import re
import unicodedata

KEPT_CONTROLS = "\n\t"

_CONTROLS = {code: None for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc"}
for _kept in KEPT_CONTROLS:
    del _CONTROLS[ord(_kept)]

_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """NFC, line ends as newlines, no control characters but newline and tab, no blanks around it."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
    return unicodedata.normalize("NFC", unified).strip()


def fold(text: str) -> str:
    """What texts that differ only in case and spacing have in common."""
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


def has_lone_surrogate(text: str) -> bool:
    """Whether a text holds half a surrogate pair, which no encoding can write."""
    return _SURROGATE.search(text) is not None


def printable(text: str) -> str:
    """A text that any file and database can hold: no NUL, lone surrogates as U+FFFD."""
    return _SURROGATE.sub("\ufffd", text).replace("\0", "")


def reply_text(text: str) -> str:
    """What a model said, clean, and such that any file and database can hold it."""
    return clean(printable(text))
