"""The table of importers: how an entry of each format becomes a draft. To add one: its module, its line, its test."""

from collections.abc import Callable, Mapping

from evol_core.seed.importers import alpaca, gsm8k, lines, parquet, self_instruct, sharegpt
from evol_core.seed.item import Draft

Importer = Callable[[object], Draft]
"""Raises Unreadable where the entry is not of the format."""

IMPORTERS: Mapping[str, Importer] = {
    alpaca.NAME: alpaca.draft,
    gsm8k.NAME: gsm8k.draft,
    self_instruct.NAME: self_instruct.draft,
    sharegpt.NAME: sharegpt.draft,
    lines.NAME: lines.draft,
    parquet.NAME: parquet.draft,
}
