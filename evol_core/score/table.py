"""The table of metrics as Markdown: docs/metrics.md holds it, and a test holds it there."""

from evol_core.score.metrics import ALL_METRICS

HEAD = ("metric", "of", "unit", "better", "asks", "null where", "source")


def metrics_table() -> str:
    """One line a metric, in the order of the tables."""
    rows = [
        (
            f"`{metric.name}`",
            metric.subject,
            metric.unit or "ratio",
            metric.better,
            metric.asks,
            metric.null or "never",
            metric.source,
        )
        for metric in ALL_METRICS.values()
    ]
    lines = [HEAD, tuple("---" for _ in HEAD), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    print(metrics_table(), end="")
