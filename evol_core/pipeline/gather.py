"""All shards of a build as one stream of rows, in the order of their ordinals: what a version is written from.

Shards are runs of seeds in order, so the stream is the same however many there are.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import count
from typing import Any

from evol_core.errors import RowsLost
from evol_core.pipeline.repeated import repeated_instructions, repeated_pairs
from evol_core.publish.decontamination import Benchmarks, Hit
from evol_core.publish.gates import CONTAMINATED, DUPLICATE, Tally
from evol_core.publish.selection import Row as Candidate
from evol_core.publish.selection import left_out
from evol_core.recipe import SelectConfig
from evol_core.records import Instruction, Status
from evol_core.store.objects import ObjectStore
from evol_core.store.repeats import Bits, repeats

Row = dict[str, Any]


class Gathered:
    """The rows of one build. Each method reads the shards anew, so memory holds a bit a row and no more of the build;
    only a selection holds what it ranks by.

    Scores stand in the order of the rows that they belong to (pipeline.instruct.score_stage), so both are read side
    by side.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        evolved: Sequence[Row],
        scored: Sequence[Row],
        scored_set: Sequence[Row] = (),
        metrics: tuple[str, ...],
        benchmarks: Benchmarks | None = None,
        select: SelectConfig | None = None,
    ) -> None:
        """Take the outputs of the stages, each in the order of its shards."""
        self._store = store
        self._evolved = evolved
        self._scored = scored
        self._scored_set = scored_set
        self._metrics = metrics
        self.benchmarks = benchmarks
        self._select = select or SelectConfig()

    def attempts(self) -> Iterator[Row]:
        """Every EVOLVED row with its last verdict: what is not published of accepted rows is refused by name."""
        rows = (row for shard in self._evolved for row in self._rows(shard))
        return (self._selected(self._judged(number, row)) for number, row in enumerate(rows))

    def refused(self) -> Iterator[Row]:
        """EVOLVED rows that were rejected or failed."""
        return (row for row in self.attempts() if row["status"] != Status.ACCEPTED)

    def pairs(self) -> Iterator[Row]:
        """Rows of the dataset: accepted pairs with one column a metric.

        Raises:
            RowsLost: the scores are not those of the rows.
        """
        return self._pairs(self._selected, self._metrics)

    def scores(self) -> Iterator[Row]:
        """SCORES rows, each key once."""
        shards = (*self._scored, *self._scored_set)
        parts = [sha256 for shard in shards for sha256 in shard["parts"]]
        seen = repeats(lambda: (t for sha256 in parts for t in self._store.tables(sha256, _SCORE_KEY)), _SCORE_KEY)
        for number, row in enumerate(row for shard in shards for row in self._rows(shard)):
            if number not in seen:
                yield row

    def tally(self) -> Tally:
        """The build in numbers."""
        outcomes = Counter((row["status"], row["reason"]) for row in self.attempts())
        statuses = Counter[str]()
        reasons = Counter[str]()
        for (status, reason), number in outcomes.items():
            statuses[status] += number
            reasons[reason] += number
        scored = Counter({metric: 0 for metric in self._metrics})
        for pair in self.pairs():
            scored.update(metric for metric in self._metrics if pair[f"score_{metric}"] is not None)
        return Tally(
            n_in=sum(statuses.values()),
            accepted=statuses[Status.ACCEPTED],
            rejected=statuses[Status.REJECTED],
            failed=statuses[Status.FAILED],
            scored=dict(scored),
            reasons={reason: number for reason, number in reasons.items() if reason},
            decontaminated=self.benchmarks is not None,
        )

    def hits(self) -> list[Hit]:
        """What rows share with items of benchmarks; a row that came up twice is named once."""
        return [hit for hits in self._contaminated.values() for hit in hits]

    @cached_property
    def _contaminated(self) -> dict[str, list[Hit]]:
        """Hits of accepted pairs, by the pair's id."""
        found: dict[str, list[Hit]] = {}
        for row in (row for shard in self._evolved for row in self._rows(shard)) if self.benchmarks else ():
            if row["status"] == Status.ACCEPTED and self.benchmarks is not None:
                prompt = Instruction(text=row["instruction"], input=row["input"]).prompt
                if hits := self.benchmarks.hits(row["instruction_id"], prompt, row["response"]):
                    found[row["response_id"]] = hits
        return found

    @cached_property
    def _left_out(self) -> dict[str, str]:
        """Why an accepted row is not published, by its pair's id; asked only where the recipe selects."""
        metrics = tuple(self._select.metrics)
        rows = [
            Candidate(pair["response_id"], {metric: pair[f"score_{metric}"] for metric in metrics})
            for pair in (self._pairs(lambda row: row, metrics) if metrics else ())
        ]
        return left_out(rows, self._select)

    @cached_property
    def _duplicates(self) -> Bits:
        """Accepted rows whose instruction an earlier one has, by number in the build."""
        return repeated_instructions(self._store, self._parts, without=self._contaminated)

    @property
    def _parts(self) -> list[str]:
        """Every EVOLVED object, in order."""
        return [sha256 for shard in self._evolved for sha256 in shard["parts"]]

    def _judged(self, number: int, row: Row) -> Row:
        """The row with its last verdict; `number` counts the build's rows."""
        if row["status"] != Status.ACCEPTED:
            return row
        if row["response_id"] in self._contaminated:
            return row | {"status": Status.REJECTED.value, "reason": CONTAMINATED}
        if number in self._duplicates:
            return row | {"status": Status.REJECTED.value, "reason": DUPLICATE}
        return row

    def _selected(self, row: Row) -> Row:
        if row["status"] == Status.ACCEPTED and row["response_id"] in self._left_out:
            return row | {"status": Status.REJECTED.value, "reason": self._left_out[row["response_id"]]}
        return row

    def _pairs(self, select: Callable[[Row], Row], metrics: tuple[str, ...]) -> Iterator[Row]:
        numbers = count()
        of_set = _SetScores(row for shard in self._scored_set for row in self._rows(shard))
        came_before = repeated_instructions(self._store, self._parts)
        for evolved, scored in zip(self._evolved, self._scored, strict=True):
            of_rows = _Scores(self._rows(scored))
            scored_before = repeated_pairs(self._store, evolved["parts"])
            for number_in_shard, row in enumerate(self._rows(evolved)):
                number = next(numbers)
                if row["status"] != Status.ACCEPTED:
                    continue
                subjects = {row["response_id"], row["instruction_id"]}
                scores = {} if number_in_shard in scored_before else of_rows.take(subjects)
                row = self._judged(number, row)
                stays = row["status"] == Status.ACCEPTED
                scores |= of_set.take_once(row["instruction_id"], first=number not in came_before, stays=stays)
                if select(row)["status"] == Status.ACCEPTED:
                    yield _pair(row, scores, metrics)
            of_rows.end()
        of_set.end()

    def _rows(self, shard: Row) -> Iterator[Row]:
        return (row for sha256 in shard["parts"] for row in self._store.rows(sha256))


class _Scores:
    """SCORES rows as they come: those of one subject stand together, subjects in the order of their rows."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def take(self, subjects: set[str]) -> dict[str, float | None]:
        """The values that come next by their metric, as long as they are of these subjects."""
        found: dict[str, float | None] = {}
        while self._next is not None and self._next["subject_id"] in subjects and self._next["metric"] not in found:
            found[self._next["metric"]] = self._next["value"]
            self._next = next(self._rows, None)
        return found

    def end(self) -> None:
        """
        Raises:
            RowsLost: scores are left that belong to no row.
        """
        if self._next is not None:
            raise RowsLost(
                f"the score {self._next['metric']!r} of {self._next['subject_id']} follows no accepted row of its "
                "stage; run the score stage again"
            )


class _SetScores(_Scores):
    """Scores of instructions, each once in a build, wherever its instruction comes first."""

    def __init__(self, rows: Iterator[Row]) -> None:
        super().__init__(rows)
        self._refused: dict[str, dict[str, float | None]] = {}
        """Of instructions whose first row was refused for its response: a later row may stay."""

    def take_once(self, instruction_id: str, *, first: bool, stays: bool) -> dict[str, float | None]:
        """An instruction's values; only for the first row that has it, and the first that stays."""
        scores = self.take({instruction_id}) if first else self._refused.pop(instruction_id, {})
        if not stays and scores:
            self._refused[instruction_id] = scores
        return scores


def _pair(row: Row, scores: dict[str, float | None], metrics: tuple[str, ...]) -> Row:
    pair = {name: row[name] for name in _KEPT} | {"output": row["response"]}
    return pair | {f"score_{metric}": scores.get(metric) for metric in metrics}


_SCORE_KEY = ("subject_id", "metric", "scorer", "revision")

_KEPT = (
    "ordinal",
    "round",
    "operator",
    "instruction_id",
    "response_id",
    "seed_id",
    "parent_id",
    "instruction",
    "input",
    "evolve_hash",
    "respond_hash",
)
