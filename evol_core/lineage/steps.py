"""Steps: one way of making rows, by operator, round, prompt, model and decoding."""

import json
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from evol_core.lineage.registry import model_number
from evol_core.lineage.text import storable
from evol_core.records import Decoding, ModelRef, content_hash

_FIND_STEP = sa.text("SELECT step_id FROM lineage.step WHERE step_key = :step_key")

_ADD_STEP = sa.text("""
    INSERT INTO lineage.step (
        step_key, attempt_id, operator, round, prompt_id, model_id, size_class, decoding_id, code_version
    )
    VALUES (
        :step_key, :attempt_id, :operator, :round, :prompt_id, :model_id, :size_class, :decoding_id, :code_version
    )
    ON CONFLICT (step_key) DO NOTHING
""")


def register_step(
    connection: sa.Connection,
    *,
    attempt_id: int,
    operator: str,
    round: int,
    prompt_name: str,
    prompt_body: str,
    model: ModelRef,
    size_class: str,
    decoding: Decoding,
    code_version: str,
) -> int:
    """A step's number; the same setting is the same step, whichever run uses it."""
    said = {
        "operator": operator,
        "round": round,
        "prompt": [prompt_name, content_hash(prompt_body)],
        "model": asdict(model),
        "size_class": size_class,
        "decoding": asdict(decoding),
        "code_version": code_version,
    }
    key = bytes.fromhex(content_hash(said))
    found = connection.execute(_FIND_STEP, {"step_key": key}).scalar()
    if found is None:
        row = {
            "step_key": key,
            "attempt_id": attempt_id,
            "operator": operator,
            "round": round,
            "prompt_id": _prompt_number(connection, prompt_name, prompt_body),
            "model_id": model_number(connection, model),
            "size_class": size_class,
            "decoding_id": _decoding_number(connection, decoding),
            "code_version": code_version,
        }
        connection.execute(_ADD_STEP, row)
        found = connection.execute(_FIND_STEP, {"step_key": key}).scalar_one()
    return int(found)


def _prompt_number(connection: sa.Connection, name: str, body: str) -> int:
    find = sa.text("SELECT prompt_id FROM lineage.prompt_template WHERE sha256 = :sha256 AND name = :name")
    add = sa.text(
        "INSERT INTO lineage.prompt_template (name, sha256, body) VALUES (:name, :sha256, :body) "
        "ON CONFLICT (sha256, name) DO NOTHING"
    )
    row = {"sha256": bytes.fromhex(content_hash(body)), "name": name}
    return _number(connection, find, add, row, {"body": storable(body)})


def _decoding_number(connection: sa.Connection, decoding: Decoding) -> int:
    find = sa.text("SELECT decoding_id FROM lineage.decoding WHERE sha256 = :sha256")
    add = sa.text(
        "INSERT INTO lineage.decoding (sha256, params) VALUES (:sha256, CAST(:params AS jsonb)) "
        "ON CONFLICT (sha256) DO NOTHING"
    )
    params = asdict(decoding)
    row = {"sha256": bytes.fromhex(content_hash(params))}
    return _number(connection, find, add, row, {"params": json.dumps(params)})


def _number(
    connection: sa.Connection, find: sa.TextClause, add: sa.TextClause, key: dict[str, Any], rest: dict[str, Any]
) -> int:
    """The number of a dictionary's entry, which is added where it is new."""
    found = connection.execute(find, key).scalar()
    if found is None:
        connection.execute(add, key | rest)
        found = connection.execute(find, key).scalar_one()
    return int(found)
