"""A comparison as one HTML page that needs nothing else: numbers, figures, examples.

What models wrote is data: every text is escaped, and the page allows no script.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from evol_core.compare.comparison import ArmProfile, Comparison, interval
from evol_core.compare.material import Drawing
from evol_core.judge.summary import Summary

STYLE = """\
body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1080px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}
table{border-collapse:collapse;margin:.6rem 0}
td,th{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}
td:first-child,th:first-child{text-align:left}
.text td{text-align:left;max-width:20rem;white-space:pre-wrap;overflow-wrap:anywhere}
img{max-width:100%}.none{color:#666}
"""

Cell = object

Table = Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One judged pair, in full."""

    seed: str
    a: str
    b: str
    verdict: str
    reply: str
    """The judge's raw text, A first."""


def report(comparison: Comparison, drawings: Sequence[Drawing], examples: Sequence[Example]) -> str:
    a, b = comparison.a, comparison.b
    title = f"{a.label} against {b.label}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>A is <b>{escape(a.label)}</b> ({escape(a.version)}), B is <b>{escape(b.label)}</b> "
        f"({escape(b.version)}). Both started from the same seeds, {escape(_evolved_by(a, b))}. "
        "Intervals are 95%: bootstrap over pairs for means, Wilson's for shares.</p>",
        *(f'<p class="none">{escape(said)}</p>' for said in comparison.absent),
        "<h2>Rows</h2>",
        _rows_table(comparison),
        *_seeds(comparison),
        *_ways(comparison),
        "<h2>Paired scores</h2><p>Only pairs that both arms accepted, with a value on both sides.</p>",
        _metrics_table(comparison),
        "<h2>Verdicts</h2>",
        _verdicts(comparison.verdicts),
        *_figures(drawings),
        "<h2>Examples</h2>",
        _examples(examples),
    ]
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _evolved_by(a: ArmProfile, b: ArmProfile) -> str:
    if a.operators == b.operators:
        return f"with the same {'method' if a.ways else 'operators'} and random seeds"
    said = (f"{name} was evolved by {', '.join(arm.operators)}" for name, arm in (("A", a), ("B", b)))
    return f"and differ in what evolved them: {'; '.join(said)}"


def _rows_table(comparison: Comparison) -> str:
    def line(arm: ArmProfile) -> list[Cell]:
        refused = ", ".join(f"{reason} {n}" for reason, n in arm.refusals.items()) or "none"
        return [arm.label, arm.rows, arm.accepted, refused]

    arms = table(["arm", "rows in", "accepted", "refused, by reason"], [line(comparison.a), line(comparison.b)])
    head = ["round", "both accepted", "only A", "only B", "neither", "of both: same parent"]
    rows = [[one.round, one.both, one.only_a, one.only_b, one.neither, one.same_parent] for one in comparison.pairs]
    return arms + table(head, rows)


def _seeds(comparison: Comparison) -> Iterable[str]:
    if comparison.seeds:
        yield "<h2>Seeds</h2><p>What both arms began with, by the same judge.</p>"
        lines = [[one.metric, one.rows, one.scored, one.mean] for one in comparison.seeds]
        yield table(["metric", "seeds", "with a value", "mean"], lines)


def _ways(comparison: Comparison) -> Iterable[str]:
    lines = [
        [arm.label, one.round, one.trajectories, one.listed, one.different]
        for arm in (comparison.a, comparison.b)
        for one in arm.ways
    ]
    if lines:
        yield "<h2>Trajectories</h2><p>Ways to make an instruction harder that evolvers listed, as short phrases.</p>"
        yield table(["arm", "round", "replies that list ways", "ways", "different ways"], lines)


def _metrics_table(comparison: Comparison) -> str:
    head = ["metric", "round", "pairs", "without a value", "mean A", "mean B", "A - B", "A higher / B higher", "sign p"]
    rows: list[list[Cell]] = []
    for one in comparison.metrics:
        missing = ", ".join(f"{reason} {n}" for reason, n in one.missing.items()) or "0"
        higher = f"{one.a_higher} / {one.b_higher}"
        rows.append(
            [
                one.metric,
                one.round,
                one.n,
                missing,
                one.mean_a,
                one.mean_b,
                interval(one.difference),
                higher,
                one.sign_p,
            ]
        )
    return table(head, rows)


def _verdicts(summary: Summary | None) -> str:
    if summary is None:
        return '<p class="none">No pair was judged.</p>'
    bias = summary.bias
    reasons = ", ".join(f"{reason} {n}" for reason, n in summary.unparsed_by_reason.items())
    rows: list[list[Cell]] = [
        ["pairs", summary.n],
        ["A better / tie / B better", f"{summary.win} / {summary.tie} / {summary.lose}"],
        ["unparsed", f"{summary.unparsed} ({reasons})" if reasons else "0"],
        ["win rate of A, ties half", interval(summary.win_rate)],
        ["sign test, p", summary.sign_p],
        ["verdict turned with the order", interval(summary.flip_rate)],
        ["of these: to the first / to the second / half", f"{bias.to_first} / {bias.to_second} / {bias.half}"],
        ["longer one won, of the decided", interval(summary.longer_wins)],
    ]
    return table(["", ""], rows)


def _figures(drawings: Sequence[Drawing]) -> Iterable[str]:
    for drawing in drawings:
        yield f"<h2>{escape(drawing.title)}</h2>"
        if drawing.reason:
            yield f'<p class="none">Not drawn: {escape(drawing.reason)}.</p>'
        else:
            data = base64.b64encode(drawing.files["svg"]).decode("ascii")
            yield f'<img alt="{escape(drawing.title)}" src="data:image/svg+xml;base64,{data}">'


def _examples(examples: Sequence[Example]) -> str:
    if not examples:
        return '<p class="none">No judged pair to show.</p>'
    rows = [[one.seed, one.a, one.b, one.verdict, one.reply] for one in examples]
    head = ["seed", "A", "B", "verdict on A", "judge's reply, A first"]
    return table(head, rows, kind="text")


def table(head: Sequence[str], rows: Table, kind: str = "") -> str:
    """An HTML table; every cell is escaped."""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = ("".join(f"<td>{escape(shown(cell))}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table class="{kind}"><tr>{names}</tr>{body}</table>'


def shown(cell: Cell) -> str:
    """A number as a person reads it; a dash where there is none."""
    if cell is None:
        return "\N{EN DASH}"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
