import pytest

from evol_core.job.folder import JobProgress


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (JobProgress(heartbeat=1.0), "the job is starting"),
        (JobProgress(heartbeat=1.0, stage="evolve", done=3, total=8), "evolve: 3 of 8 rows"),
        (
            JobProgress(
                heartbeat=1.0, stage="evolve", done=3, total=8, tokens_per_s=41.6, replayed=2, generated=5, eta_s=90.0
            ),
            "evolve: 3 of 8 rows, 42 tokens/s, 2 answers replayed, 5 generated, about 90 s left",
        ),
    ],
)
def test_progress_is_told_in_a_line(progress: JobProgress, said: str) -> None:
    assert progress.line == said
