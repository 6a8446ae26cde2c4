"""Drafts become seeds: cleaned, told apart, numbered; or they are refused with a reason."""

from collections.abc import Mapping

from evol_core.records import Instruction, InstructionId, Refused, Seed, Status
from evol_core.seed.item import Draft, Item
from evol_core.text import clean, fold, has_lone_surrogate, printable

LONE_SURROGATE = "lone_surrogate"
EMPTY = "empty"
DUPLICATE = "duplicate"

RAW_CHARS = 2000
"""Of a refused entry, kept for whoever looks into it."""


class Sieve:
    """Takes items one by one; each becomes a seed or is refused."""

    def __init__(self, previous: Mapping[InstructionId, int]) -> None:
        self.seeds: list[Seed] = []
        self.refused: list[Refused] = []
        self._previous = previous
        self._next = max(previous.values(), default=-1) + 1
        self._seen: set[tuple[str, str]] = set()

    def take(self, item: Item) -> None:
        """Keep an item's draft as a seed, or the item as refused."""
        draft = item.draft
        if draft is None:
            return self._refuse(item, Status.FAILED, item.problem)
        if _has_lone_surrogate(draft):
            return self._refuse(item, Status.FAILED, LONE_SURROGATE)
        instruction = Instruction(text=clean(draft.instruction), input=clean(draft.input))
        if not instruction.text:
            return self._refuse(item, Status.REJECTED, EMPTY)
        folded = (fold(instruction.text), fold(instruction.input))
        if folded in self._seen:
            return self._refuse(item, Status.REJECTED, DUPLICATE)
        self._seen.add(folded)
        self._keep(item, instruction, output=clean(draft.output or "") or None)

    def _keep(self, item: Item, instruction: Instruction, output: str | None) -> None:
        self.seeds.append(
            Seed(
                ordinal=self._number(instruction.id),
                instruction=instruction,
                output=output,
                source=item.source,
                licence=item.licence,
                line=item.line,
            )
        )

    def _number(self, instruction_id: InstructionId) -> int:
        """The number that the instruction had before, or the next that none ever had."""
        if instruction_id in self._previous:
            return self._previous[instruction_id]
        self._next += 1
        return self._next - 1

    def _refuse(self, item: Item, status: Status, reason: str) -> None:
        text = printable(item.raw[:RAW_CHARS])
        self.refused.append(Refused(status=status, reason=reason, source=item.source, line=item.line, text=text))


def _has_lone_surrogate(draft: Draft) -> bool:
    return any(has_lone_surrogate(text) for text in (draft.instruction, draft.input, draft.output or ""))
