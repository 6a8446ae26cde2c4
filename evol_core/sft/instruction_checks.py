"""Verifiable instructions: does an answer do what its prompt asked for? Checked by programs, not by a judge.

Source: Zhou et al. 2023, "Instruction-Following Evaluation", arXiv:2311.07911; the checks are those of the package
if-verifiable. Strict: the answer as it is. Loose: also without its first or last line, or without asterisks.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evol_core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A prompt with the instructions in it."""

    number: int
    """Line of the file, from 1."""

    prompt: str
    checks: tuple[tuple[str, Mapping[str, Any]], ...]
    """Each check's name and arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check says of an answer."""

    item: int
    number: int
    """Of the check in the item, from 0."""

    check_id: str
    strict: bool | None
    """None where there is no answer, or the check itself failed."""

    loose: bool | None
    reason: str = ""
    """Why there is no verdict."""


class Rates(NamedTuple):
    """Shares in [0, 1], of checks with a verdict; None where there is none."""

    n_checks: int
    n_checked: int
    strict: float | None
    loose: float | None


Check = Callable[[str, Mapping[str, Any], str, str], tuple[bool, bool]]
"""A check's name and arguments, the prompt, the answer: strict, loose."""


def read_items(path: Path, known: Sequence[str]) -> list[Item]:
    """
    Raises:
        InputError: the file is missing, or a line is no prompt with known checks; it names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"prompts {path} cannot be read: {error}; name a file of JSON lines") from None
    items = [_item(path, number, line, known) for number, line in enumerate(lines, 1) if line.strip()]
    if not items:
        raise InputError(f"prompts {path} is empty; a line holds key, prompt, instruction_id_list and kwargs")
    return items


def _item(path: Path, number: int, line: str, known: Sequence[str]) -> Item:
    try:
        said = json.loads(line)
        prompt, names = said["prompt"], said["instruction_id_list"]
        arguments = said.get("kwargs") or [{}] * len(names)
        checks = tuple(zip(names, map(_given, arguments), strict=True))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"prompts {path}:{number}: wanted are key, prompt, instruction_id_list and as many kwargs; {error!r}"
        ) from None
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"prompts {path}:{number}: unknown checks {unknown}; known: {sorted(known)}")
    return Item(number=number, prompt=str(prompt), checks=checks)


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are set: the published files name all arguments of all checks."""
    return {name: value for name, value in arguments.items() if value is not None}


def check_answer(item: Item, answer: str | None, reason: str, check: Check) -> list[Checked]:
    """Every check of an item; `answer` None is an answer that could not be had, `reason` says why."""
    return [_checked(item, number, answer, reason, check) for number in range(len(item.checks))]


def _checked(item: Item, number: int, answer: str | None, reason: str, check: Check) -> Checked:
    name, arguments = item.checks[number]
    strict: bool | None = None
    loose: bool | None = None
    if answer is not None:
        try:
            strict, loose = check(name, arguments, item.prompt, answer) if answer.strip() else (False, False)
        except Exception as error:  # whatever a check of somebody else's raises, the others are made
            reason = f"check_failed: {type(error).__name__}: {str(error).strip()[:200]}"
    return Checked(item=item.number, number=number, check_id=name, strict=strict, loose=loose, reason=reason)


def rates(checked: Sequence[Checked]) -> Rates:
    verdicts = [one for one in checked if one.strict is not None]
    if not verdicts:
        return Rates(len(checked), 0, None, None)
    n = len(verdicts)
    return Rates(
        len(checked), n, sum(bool(one.strict) for one in verdicts) / n, sum(bool(one.loose) for one in verdicts) / n
    )


def known_checks(benchmark: str) -> Mapping[str, Any]:
    """The package's checks by name."""
    if benchmark == "ifeval":
        from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT
    else:
        from if_verifiable.ifbench.instructions_registry import INSTRUCTION_DICT
    checks: Mapping[str, Any] = INSTRUCTION_DICT
    return checks


def package_check(registry: Mapping[str, Any]) -> Check:
    """The package's own evaluation, one check at a time."""
    from if_verifiable.common import evaluate_instructions

    def check(name: str, arguments: Mapping[str, Any], prompt: str, answer: str) -> tuple[bool, bool]:
        (result,), _ = evaluate_instructions(answer, [name], [dict(arguments)], prompt, registry)
        return result.strict_pass, result.loose_pass

    return check
