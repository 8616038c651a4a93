"""plan.json: a plan as plain data, in English beside its codes, and back again.

Beside every sentence K stands what it is made of, K_code and K_data, and beside the title of a kind of machine its K_kind;
so a plan can be read from its file and shown in any language.  `fields_of(data_of(record))` has all that `record` had; keys
and their order are those of docs/formats/plan.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from terp.plan.outcome.machine_records import ConstraintCheck, CostOfLine, MachineKind
from terp.plan.outcome.plan_records import Assumption, PayerShare
from terp.plan.reason_codes import Reason, Words
from terp.results.record import Json, as_json

Say = Callable[[Reason], str]
_KEYS: Final = {"cost_class": "class", "from_month": "from", "until_month": "until", "of": "title"}
"""Name of a field -> its key, where that is a word of Python's or was there before."""
_FIELDS: Final = {"class": "cost_class", "from": "from_month", "until": "until_month"}
_SENTENCE: Final = re.compile(r"(.+)_(code|kind|codes)")


def data_of(value: object, say: Say) -> Json:
    """A record of a plan as plain data, records and tuples inside it too; anything else as JSON takes it.

    say   a code in English

    A field stands under its name, but for those of `_KEYS`.  Titles of lines of cost and of constraints, which no record
    keeps, are added in English; bounds that a payer has reached become one text with commas.
    """
    if isinstance(value, tuple):
        return [data_of(entry, say) for entry in value]
    if not is_dataclass(value) or isinstance(value, type):
        return as_json(value)
    data: dict[str, Json] = {}
    for name in (field.name for field in fields(value)):
        if isinstance(value, Assumption) and name == "notes":
            data |= _noted(value.notes, say)
        else:
            data |= _entries(_KEYS.get(name, name), getattr(value, name), say)
    if isinstance(value, CostOfLine):
        data["title"] = say(Reason(f"line.{value.line}"))
    elif isinstance(value, ConstraintCheck):
        data["title"] = say(value.title)
    elif isinstance(value, Assumption) and value.site_title:
        data["title"] = f"{data['title']}, {value.site_title}"
    elif isinstance(value, PayerShare):
        data["binding"] = ", ".join(value.binding)
    return data


def _entries(key: str, value: object, say: Say) -> dict[str, Json]:
    """A field as it stands in the document: one entry, or a sentence and what it is made of.

    key   of the field in the document;  say   a code in English
    """
    if isinstance(value, Reason):
        return {key: say(value), f"{key}_code": value.code, f"{key}_data": as_json(value.data)}
    if isinstance(value, MachineKind):
        return {key: say(value.title), f"{key}_kind": as_json(value)}
    return {key: data_of(value, say)}


def _noted(parts: tuple[Words, ...], say: Say) -> dict[str, Json]:
    """A note of several parts, and its parts where any of them is of a code.

    A note of a file alone has no codes beside it: its text is all there is.

    parts   of the note, in their order; they are joined by semicolons
    """
    text = "; ".join(part if isinstance(part, str) else say(part) for part in parts)
    if all(isinstance(part, str) for part in parts):
        return {"note": text}
    return {"note": text, "note_codes": [as_json(part) for part in parts]}


def fields_of(data: object) -> object:
    """Data of a document as the fields of the records that it came from: sentences as their codes.

    Nothing is checked here: `plan_of` validates what comes out.

    A key K_code with K_data becomes a code in the field K, where it takes the place of the English sentence, and K_kind the
    kind of machine of K.  The titles that `data_of` added stay, and are fields of no record.
    """
    if isinstance(data, list):
        return [fields_of(entry) for entry in data]
    if not isinstance(data, Mapping):
        return data
    plain = {_FIELDS.get(key, key): fields_of(value) for key, value in data.items() if not _SENTENCE.fullmatch(key)}
    for key, value in data.items():
        match = _SENTENCE.fullmatch(key)
        if match and match[2] == "code":
            plain[match[1]] = {"code": value, "data": data.get(f"{match[1]}_data", {})}
        elif match and match[2] == "kind":
            plain["of" if match[1] == "title" else match[1]] = value
    if "note" in plain:
        parts = data.get("note_codes", [data["note"]] if data["note"] else [])
        plain["notes"] = parts
    if isinstance(plain.get("binding"), str):
        plain["binding"] = [name for name in str(plain["binding"]).split(", ") if name]
    return plain
