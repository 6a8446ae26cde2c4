from pathlib import Path

from evol_core.evolve.auto.figure import draw


def test_a_figure_is_drawn_for_arms_with_and_without_phrases(tmp_path: Path) -> None:
    listed = [{"phrase": "add limits", "n_methods": 3, "round": 0}, {"phrase": "use data", "n_methods": 1, "round": 1}]

    draw({"small": listed, "none": []}, tmp_path / "figure.png")

    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
