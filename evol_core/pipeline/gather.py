"""All shards of a build as one stream of rows, in the order of their ordinals: what a version is written from.

Shards are runs of seeds in order, so the stream is the same however many there are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from evol_core.publish.decontamination import Benchmarks, Hit
from evol_core.publish.gates import CONTAMINATED, DUPLICATE, Tally
from evol_core.publish.selection import Row as Candidate
from evol_core.publish.selection import left_out
from evol_core.recipe import SelectConfig
from evol_core.records import Status
from evol_core.store.objects import ObjectStore

Row = dict[str, Any]


class Gathered:
    """The rows of one build. Each method reads the shards anew, so memory depends on a shard, not on the build."""

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
        for rows in self._shards():
            yield from rows

    def refused(self) -> Iterator[Row]:
        """EVOLVED rows that were rejected or failed."""
        return (row for row in self.attempts() if row["status"] != Status.ACCEPTED)

    def pairs(self) -> Iterator[Row]:
        """Rows of the dataset: accepted pairs with one column a metric."""
        return self._pairs(self._shards(), self._metrics)

    def scores(self) -> Iterator[Row]:
        """SCORES rows, each key once."""
        seen: set[tuple[str, ...]] = set()
        for shard in (*self._scored, *self._scored_set):
            for sha256 in shard["parts"]:
                for row in self._store.rows(sha256):
                    key = (row["metric"], row["subject_id"], row["scorer"], row["revision"])
                    if key not in seen:
                        seen.add(key)
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
        for output in self._evolved if self.benchmarks else ():
            for sha256 in output["parts"]:
                for row in self._store.read(sha256).to_pylist():
                    if row["status"] == Status.ACCEPTED and self.benchmarks is not None:
                        texts = row["instruction"], row["input"], row["response"]
                        if hits := self.benchmarks.hits(row["instruction_id"], *texts):
                            found[row["response_id"]] = hits
        return found

    @cached_property
    def _left_out(self) -> dict[str, str]:
        """Why an accepted row is not published, by its pair's id; asked only where the recipe selects."""
        metrics = tuple(self._select.metrics)
        rows = [
            Candidate(pair["response_id"], {metric: pair[f"score_{metric}"] for metric in metrics})
            for pair in (self._pairs(self._different(), metrics) if metrics else ())
        ]
        return left_out(rows, self._select)

    def _shards(self) -> Iterator[Iterator[Row]]:
        return map(self._selected, self._different())

    def _selected(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if row["status"] == Status.ACCEPTED and row["response_id"] in self._left_out:
                row |= {"status": Status.REJECTED.value, "reason": self._left_out[row["response_id"]]}
            yield row

    def _pairs(self, shards: Iterator[Iterator[Row]], metrics: tuple[str, ...]) -> Iterator[Row]:
        of_set = {key: value for shard in self._scored_set for key, value in self._scores(shard).items()}
        for shard, rows in zip(self._scored, shards, strict=True):
            scores = of_set | self._scores(shard)
            for row in rows:
                if row["status"] == Status.ACCEPTED:
                    yield _pair(row, scores, metrics)

    def _different(self) -> Iterator[Iterator[Row]]:
        """The shards' rows; of accepted ones that repeat an instruction or a benchmark's item, refused ones."""
        seen: set[str] = set()
        for output in self._evolved:
            yield self._first_of_each(output["parts"], seen)

    def _first_of_each(self, parts: list[str], seen: set[str]) -> Iterator[Row]:
        for sha256 in parts:
            for row in self._store.rows(sha256):
                if row["status"] == Status.ACCEPTED and row["response_id"] in self._contaminated:
                    row |= {"status": Status.REJECTED.value, "reason": CONTAMINATED}
                elif row["status"] == Status.ACCEPTED and row["instruction_id"] in seen:
                    row |= {"status": Status.REJECTED.value, "reason": DUPLICATE}
                elif row["status"] == Status.ACCEPTED:
                    seen.add(row["instruction_id"])
                yield row

    def _scores(self, shard: Row) -> dict[tuple[str, str], float | None]:
        return {
            (row["subject_id"], row["metric"]): row["value"]
            for sha256 in shard["parts"]
            for row in self._store.rows(sha256)
        }


def _pair(row: Row, scores: dict[tuple[str, str], float | None], metrics: tuple[str, ...]) -> Row:
    def value(metric: str) -> float | None:
        of_response = scores.get((row["response_id"], metric))
        return of_response if of_response is not None else scores.get((row["instruction_id"], metric))

    pair = {name: row[name] for name in _KEPT}
    return pair | {"output": row["response"]} | {f"score_{metric}": value(metric) for metric in metrics}


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
