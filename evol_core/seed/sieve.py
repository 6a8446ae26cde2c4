"""Drafts become seeds: cleaned, told apart, numbered; or they are refused with a reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evol_core.records import Instruction, InstructionId, Refused, Seed, Status, content_id
from evol_core.seed.batch import SeedBatch
from evol_core.seed.item import Draft, Item
from evol_core.store.scratch import Seen
from evol_core.text import clean, fold, has_lone_surrogate, printable

LONE_SURROGATE = "lone_surrogate"
EMPTY = "empty"
DUPLICATE = "duplicate"

RAW_CHARS = 2000
"""Of a refused entry, kept for whoever looks into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Numbers that instructions had in earlier seed versions of the same dataset; none, by default."""

    free: int = 0
    """The first number that none ever had."""

    of: Callable[[Sequence[InstructionId]], Mapping[InstructionId, int]] = lambda ids: {}
    """The numbers, below `free`, of those of some instructions that had one."""


class _Sifted(NamedTuple):
    """A draft that becomes a seed, and its item."""

    item: Item
    instruction: Instruction
    output: str | None


class Sieve:
    """Takes items some at a time, in their order; each becomes a seed or is refused."""

    def __init__(self, batch: SeedBatch, seen: Seen, numbers: Numbers) -> None:
        self._batch = batch
        self._seen = seen
        self._numbers = numbers
        self._free = numbers.free

    def take(self, items: Sequence[Item]) -> None:
        """Keep the items' drafts as seeds, or the items as refused."""
        found = [self._sifted(item) for item in items]
        self._batch.refuse(one for one in found if isinstance(one, Refused))
        self._batch.keep(self._numbered([one for one in found if isinstance(one, _Sifted)]))

    def _sifted(self, item: Item) -> _Sifted | Refused:
        draft = item.draft
        if draft is None:
            return _refused(item, Status.FAILED, item.problem)
        if _has_lone_surrogate(draft):
            return _refused(item, Status.FAILED, LONE_SURROGATE)
        instruction = Instruction(text=clean(draft.instruction), input=clean(draft.input))
        if not instruction.text:
            return _refused(item, Status.REJECTED, EMPTY)
        if not self._seen.add(content_id(fold(instruction.text), fold(instruction.input))):
            return _refused(item, Status.REJECTED, DUPLICATE)
        return _Sifted(item, instruction, clean(draft.output or "") or None)

    def _numbered(self, found: Sequence[_Sifted]) -> Iterator[Seed]:
        """Each with the number that its instruction had before, or the next that none ever had."""
        had = self._numbers.of([instruction.id for _, instruction, _ in found])
        for item, instruction, output in found:
            ordinal = had.get(instruction.id)
            if ordinal is None:
                ordinal = self._free
                self._free += 1
            yield Seed(
                ordinal=ordinal,
                instruction=instruction,
                output=output,
                source=item.source,
                licence=item.licence,
                line=item.line,
            )


def _refused(item: Item, status: Status, reason: str) -> Refused:
    text = printable(item.raw[:RAW_CHARS])
    return Refused(status=status, reason=reason, source=item.source, line=item.line, text=text)


def _has_lone_surrogate(draft: Draft) -> bool:
    return any(has_lone_surrogate(text) for text in (draft.instruction, draft.input, draft.output or ""))
