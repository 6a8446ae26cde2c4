"""Replies under headings, read tolerantly: which lines are headings of which step, and what stands under them.

A heading may be bold or a Markdown title, carry a step's number in several languages, have blanks behind it, text on
its own line, other capitalisation, "Final" or "Finally". Of several headings of one step the last body counts.
"""

import re
from collections.abc import Iterator

METHODS, PLAN, REWRITE, FINAL = 1, 2, 3, 4

_NUMBER = re.compile(
    r"(?:step|schritt|paso|[ée]tape|etapa|passo|stap|krok|шаг|ステップ|步骤|步驟)\s*[#.:]?\s*([1-4一二三四])(?!\d)"
    r"|第\s*([1-4一二三四])\s*步|([1-4])\s*단계",
    re.IGNORECASE,
)
_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4}

_NAMES = {
    METHODS: "methods? list|list of methods|methods?|ways|methoden(?:liste)?|m[ée]thodes|m[ée]todos|metodi|методы"
    "|方法列表|方法|手法",
    PLAN: "plan|plano|piano|план|计划|計劃|計画",
    REWRITE: "(?:rewritten|new) (?:instruction|task|prompt)|rewrite|rewriting|umschreibung|neufassung|r[ée]+criture"
    "|reescritura|riscrittura|переписывание|改写|改寫|書き直し",
    FINAL: "final(?:ly)?(?:,? (?:rewritten|revised))?(?: (?:instruction|task|prompt|version|text))?|endfassung"
    "|version finale|versi[óo]n final|vers[ãa]o final|versione finale|итог|最终版本|最终指令|最终|最終版",
}
_NAME = re.compile(
    "|".join(rf"(?P<s{step}>(?:{names})(?!\w))" for step, names in reversed(_NAMES.items())), re.IGNORECASE
)

_BULLET = re.compile(r"\s*(?:[-*+•]\s|\d+[.)]\s)")
_MARKS = " \t#*_>=~[("
_SEPARATORS = " \t:\uff1a#*_=)].\u2013\u2014-"
_ENDS_NAME = re.compile(r"\s*(?:$|[:\uff1a#*_=)\]]|\s[-\u2013\u2014]\s)")
_TITLE_ONLY = re.compile(r"[^.!?]{1,60}[:\uff1a#*_=]\s*$")


def sections(text: str) -> dict[int, str]:
    """The last body that is not empty under each step's headings; "" where all are empty, no key where none is."""
    found: dict[int, str] = {}
    for step, body in _bodies(text):
        found[step] = body or found.get(step, "")
    return found


def _bodies(text: str) -> Iterator[tuple[int, str]]:
    step: int | None = None
    body: list[str] = []
    for line in text.splitlines():
        opened = heading(line)
        if opened is None:
            body.append(line)
            continue
        if step is not None:
            yield step, "\n".join(body).strip()
        step, body = opened[0], [opened[1]]
    if step is not None:
        yield step, "\n".join(body).strip()


def heading(line: str) -> tuple[int, str] | None:
    """The step that a line is the heading of, and the text that follows it on the line; None where it is none."""
    if _BULLET.match(line):
        return None
    text = line.strip().lstrip(_MARKS)
    number = _NUMBER.match(text)
    rest = text[number.end() :] if number else text
    named = _NAME.match(rest.lstrip(_SEPARATORS) if number else rest)
    if named and _ENDS_NAME.match(named.string[named.end() :]):
        step = next(int(group[1:]) for group, found in named.groupdict().items() if found)
        return step, _body(line, named.string[named.end() :])
    if number and (not rest.strip() or rest.lstrip()[0] in _SEPARATORS):
        body = "" if _TITLE_ONLY.match(rest) else _body(line, rest)
        return _digit(number), body
    return None


def _digit(number: re.Match[str]) -> int:
    said = next(group for group in number.groups() if group)
    return _DIGITS.get(said) or int(said)


def _body(line: str, rest: str) -> str:
    """What follows a heading on its line, without the marks between the two, and without the end of a bold line."""
    body = rest.lstrip(_SEPARATORS).rstrip()
    if line.lstrip().startswith("**") and body.endswith("**") and body.count("**") == 1:
        body = body.removesuffix("**").rstrip()
    return body
