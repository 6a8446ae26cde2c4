"""Replies in the four-heading form, made with a seed: with the deviations that models show, and what is in them."""

import random
from dataclasses import dataclass

from evol_core.evolve.auto.trajectory import Outcome

TITLES = {
    "english": ("Methods", "Plan", "Rewrite", "Final"),
    "listed": ("Methods List", "Plan", "Rewritten Instruction", "Finally Rewritten Instruction"),
    "german": ("Methoden", "Plan", "Umschreibung", "Endfassung"),
    "french": ("Méthodes", "Plan", "Réécriture", "Version finale"),
    "spanish": ("Métodos", "Plan", "Reescritura", "Versión final"),
    "chinese": ("方法列表", "计划", "改写", "最终指令"),
    "russian": ("Методы", "План", "Переписывание", "Итог"),
}
STEPS = {
    "english": "Step {n}",
    "listed": "Step {n}",
    "german": "Schritt {n}",
    "french": "Étape {n}",
    "spanish": "Paso {n}",
    "chinese": "第{n}步",
    "russian": "Шаг {n}",
}
SUBJECTS = ("rivers of Asia", "a sorted list", "the price of bread", "two trains", "a haiku on rain", "iron and rust")
ADDED = ("Give your reasons in two sentences.", "Plan for ten people: say who does what.", "Final answers need units.")
WAYS = ("add a limit on the words used", "ask for two examples", "make the numbers larger", "finally, ask why")


@dataclass(frozen=True)
class Made:
    """A reply, and what a reader must find in it."""

    text: str
    outcome: Outcome
    methods: tuple[str, ...]
    final: str | None
    truncated: bool = False


def made_replies(n: int, seed: int) -> list[Made]:
    draw = random.Random(seed)
    return [_made(draw) for _ in range(n)]


def _made(draw: random.Random) -> Made:
    language = draw.choice(list(TITLES))
    final = f"Describe {draw.choice(SUBJECTS)} number {draw.randrange(1000)}. {draw.choice(ADDED)}"
    if draw.random() < 0.3:
        final += "\n" + draw.choice(["Plan your answer first.", "Step 2 must take an hour.", "1. Plan a trip."])
    methods = tuple(draw.sample(WAYS, draw.randrange(1, len(WAYS))))
    bodies = [_list(draw, methods), "Use both of them together.", "Describe it again, but longer.", final]
    style = _style(draw)
    missing = draw.random()
    lines = [draw.choice(["", "Certainly! Here is my plan.", "Let's go step by step."])]
    shown: tuple[str, ...] = methods
    for step, body in enumerate(bodies, 1):
        if step < 4 and missing < 0.15 and draw.random() < 0.5:
            shown = () if step == 1 else shown
            continue
        if step == 4 and missing > 0.85:
            return _without_final(draw, lines, shown, style, language, missing)
        if step == 4 and draw.random() < 0.2:
            lines += _heading(draw, style, language, 4, "An earlier try, thrown away.")
        lines += _heading(draw, style, language, step, body)
    return Made("\n".join(lines), Outcome.HEADINGS, shown, final)


def _without_final(
    draw: random.Random, lines: list[str], shown: tuple[str, ...], style: str, language: str, missing: float
) -> Made:
    """What cannot be recovered: no last heading, nothing under it, or a reply that was cut off in it."""
    if missing > 0.95:
        lines += _heading(draw, style, language, 4, "Describe it and")
        return Made("\n".join(lines), Outcome.TRUNCATED, shown, None, truncated=True)
    if missing > 0.9:
        lines += _heading(draw, "plain", language, 4, "")
        return Made("\n".join(lines), Outcome.EMPTY_FINAL, shown, None)
    if draw.random() < 0.2:
        return Made(draw.choice(["", "  \n "]), Outcome.EMPTY, (), None)
    return Made("\n".join(lines), Outcome.NO_FINAL, shown, None)


def _list(draw: random.Random, methods: tuple[str, ...]) -> str:
    bullet = draw.choice(["- ", "* ", "{n}. ", "{n}) ", ""])
    return "\n".join(bullet.format(n=number) + method for number, method in enumerate(methods, 1))


def _style(draw: random.Random) -> str:
    return draw.choice(["plain", "title", "bold", "hashes", "numbered", "numbered_bold", "same_line", "number_only"])


def _heading(draw: random.Random, style: str, language: str, step: int, body: str) -> list[str]:
    title = TITLES[language][step - 1]
    if language == "english" and step == 4 and draw.random() < 0.5:
        title = "Finally"
    title = draw.choice([title, title.upper(), title.lower()])
    number = STEPS[language].format(n=step)
    blanks = draw.choice(["", "  ", "\t"])
    if style == "same_line" and "\n" not in body and step != 1:
        return [draw.choice([f"{title}: {body}", f"**{title}:** {body}", f"{number}: {title}: {body}"]) + blanks]
    if style == "number_only" and step == 4:
        return [draw.choice([number, f"{number}:", f"**{number}**"]) + blanks, body]
    line = {
        "title": f"### {title}",
        "bold": f"**{title}**",
        "hashes": f"#{title}#:",
        "numbered": f"{number}: {title}",
        "numbered_bold": f"**{number} - {title}:**",
    }.get(style, f"{title}:")
    return [line + blanks, body]
