"""A comparison on disk: report.html, comparison.json, every figure as PNG and SVG."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from evol_core.compare.comparison import Comparison, compare
from evol_core.compare.figures import draw_all
from evol_core.compare.material import Drawing, Material
from evol_core.compare.report import Example, report
from evol_core.store.files import io_errors

REPORT = "report.html"
NUMBERS = "comparison.json"


def write_comparison(folder: Path, material: Material, examples: Sequence[Example]) -> Comparison:
    """Compare the first two arms and write all of it; files of these names are replaced.

    Raises:
        InputError: the arms do not share their parents; nothing was written.
        StoreError: the disk refuses.
    """
    comparison = compare(material)
    drawings = draw_all(material)
    write_figures(folder, drawings)
    _put(folder / NUMBERS, json.dumps(asdict(comparison), indent=2).encode())
    _put(folder / REPORT, report(comparison, drawings, examples).encode("utf-8", "replace"))
    return comparison


def write_figures(folder: Path, drawings: Sequence[Drawing]) -> list[Path]:
    """Every drawn figure, in both forms.

    Raises:
        StoreError: the disk refuses.
    """
    with io_errors(folder, "write"):
        folder.mkdir(parents=True, exist_ok=True)
    files = [(folder / f"{drawing.name}.{form}", data) for drawing in drawings for form, data in drawing.files.items()]
    for path, data in files:
        _put(path, data)
    return [path for path, _ in files]


def _put(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with io_errors(path, "write"):
        part.write_bytes(data)
        part.replace(path)
