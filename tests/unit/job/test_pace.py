from typing import Any

from evol_core.job.pace import WINDOW_S, Pace


def said(done: int, total: int = 100, stage: str = "evolve") -> dict[str, Any]:
    return {"stage": stage, "done": done, "total": total, "tokens_per_s": 2.0, "replayed": 0, "generated": done}


def test_a_heartbeat_before_the_first_word_tells_no_remaining_time() -> None:
    assert Pace().progress(5.0).eta_s is None


def test_remaining_time_follows_the_pace() -> None:
    pace = Pace()
    pace.take(said(0), 0.0)
    pace.take(said(20), 10.0)

    assert pace.progress(10.0).eta_s == 40.0


def test_rows_replayed_at_the_start_are_forgotten() -> None:
    pace = Pace()
    pace.take(said(0), 0.0)
    pace.take(said(50), 1.0)
    pace.take(said(60), 1.0 + WINDOW_S)

    assert pace.progress(0.0).eta_s == 4 * WINDOW_S


def test_a_new_stage_begins_anew() -> None:
    pace = Pace()
    pace.take(said(90), 0.0)
    pace.take(said(0, stage="score"), 50.0)
    pace.take(said(50, stage="score"), 60.0)

    assert pace.progress(60.0).eta_s == 10.0


def test_a_stage_without_rows_is_done_at_once() -> None:
    pace = Pace()
    pace.take(said(0, total=0), 0.0)

    assert pace.progress(0.0).eta_s == 0.0
