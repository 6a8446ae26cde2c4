"""A version's rows in the forms that other trainers load as they are.

Every export is a folder: the rows, a README.md whose head lets `datasets.load_dataset(FOLDER)` find them (so the
folder can be pushed to a hub as it is), and export.json, which says where the rows come from and which were left out.

Sources: LLaMA-Factory, data/README.md; TRL, "Dataset formats and types"; Hugging Face, "Structure your repository".
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from evol_core.errors import ConfigError, NotFound
from evol_core.records import Instruction
from evol_core.store.files import file_hash, io_errors
from evol_core.store.plain_rows import placed, write_json

Row = Mapping[str, Any]

ANSWERED = ("instruction", "input", "output")
COMPARED = ("instruction", "input", "chosen", "rejected")

PARQUET = "parquet"
LLAMAFACTORY = "llamafactory"

NO_RESPONSE = "no_response"
"""A row whose answer is missing or empty: nothing can be learned from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How one row is written."""

    needs: tuple[str, ...]
    """Columns that the version must have; the last ones, after `input`, must not be empty in a row."""

    ending: str
    row: Callable[[Row], Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is exported: one version, a table a part."""

    name: str
    version: int
    columns: tuple[str, ...]
    parts: Iterable[pa.Table]

    @property
    def stem(self) -> str:
        """Of the file with the rows."""
        return f"{self.name}-v{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written. Rows of the version = rows + those left out."""

    folder: Path
    format: str
    rows: int
    left_out: Mapping[str, int]
    """By reason."""

    files: Mapping[str, str]
    """SHA-256 of each file with rows, by its path in the folder."""


def question(row: Row) -> str:
    """What the user says: the instruction and, where there is one, its input on the next line."""
    return Instruction(text=row["instruction"], input=row["input"]).prompt


def alpaca(row: Row) -> Row:
    return {name: row[name] for name in ANSWERED}


def alpaca_ranking(row: Row) -> Row:
    return {name: row[name] for name in COMPARED}


def sharegpt(row: Row) -> Row:
    said = ("human", question(row)), ("gpt", row["output"])
    return {"conversations": [{"from": who, "value": text} for who, text in said]}


def messages(row: Row) -> Row:
    """A chat as OpenAI and TRL have it."""
    return {"messages": [_message("user", question(row)), _message("assistant", row["output"])]}


def preference(row: Row) -> Row:
    """A conversational preference pair, as TRL has it."""
    return {
        "prompt": [_message("user", question(row))],
        "chosen": [_message("assistant", row["chosen"])],
        "rejected": [_message("assistant", row["rejected"])],
    }


def _message(role: str, content: str) -> Row:
    return {"role": role, "content": content}


FORMS: Mapping[str, Form] = {
    "alpaca": Form(needs=ANSWERED, ending=".json", row=alpaca),
    "sharegpt": Form(needs=ANSWERED, ending=".json", row=sharegpt),
    "messages": Form(needs=ANSWERED, ending=".jsonl", row=messages),
    "preference": Form(needs=COMPARED, ending=".jsonl", row=preference),
}

RANKING = Form(needs=COMPARED, ending=".json", row=alpaca_ranking)

FORMATS = (*FORMS, LLAMAFACTORY, PARQUET)


def export_version(source: Source, format: str, folder: Path) -> Exported:
    """Write a version into a folder of its own, which is made where it is missing.

    Raises:
        ConfigError: there is no such format, or the version has not its columns, or the folder holds other things.
        NotFound: no row of the version has a response.
        StoreError: the disk refuses.
    """
    if format not in FORMATS:
        raise ConfigError(f"unknown format {format!r}; known: {list(FORMATS)}")
    _prepare(folder)
    if format == PARQUET:
        return _finish(source, format, folder, *_write_parquet(source, folder))
    form = _form(source, format)
    path, rows, left_out = _write_rows(source, form, folder)
    if format == LLAMAFACTORY:
        _write_text(folder / "dataset_info.json", json.dumps({source.name: _info(path.name, form)}, indent=2))
    return _finish(source, format, folder, path, rows, left_out)


def _form(source: Source, format: str) -> Form:
    """
    Raises:
        ConfigError: the version has not the form's columns.
    """
    form = FORMS.get(format) or (RANKING if "chosen" in source.columns else FORMS["alpaca"])
    if missing := [name for name in form.needs if name not in source.columns]:
        fits = [name for name, other in FORMS.items() if set(other.needs) <= set(source.columns)]
        raise ConfigError(
            f"{source.name}@{source.version} has no columns {missing}, which the format {format!r} needs; "
            f"formats that fit it: {[*fits, PARQUET]}"
        )
    return form


def _prepare(folder: Path) -> None:
    """An empty folder, or one that an export has written: its files are written anew.

    Raises:
        ConfigError: it holds something else.
    """
    with io_errors(folder, "write"):
        if folder.is_dir() and any(folder.iterdir()) and not (folder / "export.json").is_file():
            raise ConfigError(f"--output {folder} is not empty and no earlier export; name a new folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ConfigError(f"--output {folder} is a file; name a folder") from None
        _remove_earlier(folder)


def _remove_earlier(folder: Path) -> None:
    """What an earlier export has written, its export.json first: a folder without one is not whole."""
    try:
        said = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    for name in ("export.json", "README.md", "dataset_info.json", *said["files"]):
        (folder / name).unlink(missing_ok=True)


def _write_rows(source: Source, form: Form, folder: Path) -> tuple[Path, int, Mapping[str, int]]:
    path = folder / f"{source.stem}{form.ending}"
    counts: Counter[str] = Counter()
    write_json(path, _formed(source, form, counts))
    rows = counts.pop("", 0)
    if not rows:
        path.unlink()
        raise NotFound(
            f"no row of {source.name}@{source.version} has a response ({dict(counts) or 'it has no rows'}), so there "
            f"is nothing to train on; `--format {PARQUET}` exports its instructions"
        )
    return path, rows, dict(counts)


def _formed(source: Source, form: Form, counts: Counter[str]) -> Iterator[Row]:
    """Rows that can be trained on; `counts` gets them under an empty reason, the others under theirs."""
    answers = form.needs[2:]
    for part in source.parts:
        for row in part.select(list(form.needs)).to_pylist():
            reason = "" if all(row[name] for name in answers) else NO_RESPONSE
            counts[reason] += 1
            if not reason:
                yield form.row(row)


def _info(file_name: str, form: Form) -> dict[str, Any]:
    """The entry of LLaMA-Factory's dataset_info.json."""
    columns = {"prompt": "instruction", "query": "input"}
    if form is RANKING:
        return {
            "file_name": file_name,
            "ranking": True,
            "columns": {**columns, "chosen": "chosen", "rejected": "rejected"},
        }
    return {"file_name": file_name, "columns": {**columns, "response": "output"}}


def _write_parquet(source: Source, folder: Path) -> tuple[Path, int, Mapping[str, int]]:
    """All columns of all rows, those without a response too."""
    path = folder / f"{source.stem}.parquet"
    rows = 0
    with placed(path) as staged:
        writer: pq.ParquetWriter | None = None
        for part in source.parts:
            writer = writer or pq.ParquetWriter(staged, part.schema, compression="zstd")
            writer.write_table(part)
            rows += part.num_rows
        if writer is None:
            raise NotFound(f"{source.name}@{source.version} has no rows; there is nothing to export")
        writer.close()
    return path, rows, {}


def _finish(source: Source, format: str, folder: Path, path: Path, rows: int, left_out: Mapping[str, int]) -> Exported:
    done = Exported(folder=folder, format=format, rows=rows, left_out=left_out, files={path.name: file_hash(path)})
    _write_text(folder / "README.md", _card(source, path, rows))
    said = {
        "dataset": source.name,
        "version": source.version,
        "format": format,
        "rows": rows,
        "left_out": left_out,
        "files": done.files,
    }
    _write_text(folder / "export.json", json.dumps(said, indent=2))
    return done


def _card(source: Source, path: Path, rows: int) -> str:
    head = {"configs": [{"config_name": "default", "data_files": [{"split": "train", "path": path.name}]}]}
    return (
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n# {source.name}, version {source.version}\n\n"
        f"{rows} rows. export.json says where they come from; `evol datasets show {source.name}@{source.version}` "
        "tells the rest.\n"
    )


def _write_text(path: Path, text: str) -> None:
    with io_errors(path, "write"):
        staged = path.with_name(f".{path.name}.part")
        staged.write_text(text, encoding="utf-8")
        staged.replace(path)
