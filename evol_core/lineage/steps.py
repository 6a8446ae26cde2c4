"""Steps: one way of making rows, by operator, round, prompt, model and decoding."""

import json
from dataclasses import asdict

import sqlalchemy as sa

from evol_core.lineage.registry import entry_number, model_number
from evol_core.lineage.text import storable
from evol_core.records import ModelRef, content_hash
from evol_core.requests import Decoding


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
    prompt_hash, params = content_hash(prompt_body), asdict(decoding)
    said = {
        "operator": operator,
        "round": round,
        "size_class": size_class,
        "code_version": code_version,
    }
    key = content_hash({**said, "prompt": [prompt_name, prompt_hash], "model": asdict(model), "decoding": params})
    prompt = {"name": prompt_name, "sha256": bytes.fromhex(prompt_hash)}
    row = {
        **said,
        "attempt_id": attempt_id,
        "model_id": model_number(connection, model),
        "prompt_id": entry_number(connection, "prompt", prompt, {"body": storable(prompt_body)}),
        "decoding_id": entry_number(
            connection, "decoding", {"sha256": bytes.fromhex(content_hash(params))}, {"params": json.dumps(params)}
        ),
    }
    return entry_number(connection, "step", {"step_key": bytes.fromhex(key)}, row)
