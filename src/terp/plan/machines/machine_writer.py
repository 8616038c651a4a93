"""A machine of a plan as a machine file: what `read_machine` reads and `build_machine` builds to the same bill.

Each value says where it comes from: what the plan chose or sized, what a reference architecture fixes, and what is only
assumed.  Numbers are written in SI to the last digit, so that the file is the machine and not a rounding of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from terp.catalogue import Catalogue, Fleet, Kit, Reliability, read_reference
from terp.plan.machines.frames import Extras, Frame, machine_file
from terp.reader import Provenance, Record
from terp.units import UNITS

_CHOSEN: Final = {"status": "derived", "note": "chosen by terp plan"}
_SIZED: Final = {"status": "derived", "note": "sized by terp plan"}
_SUPERPOD: Final = {"source": "nvidia-superpod-h100"}
_OF_PLAN: Final[dict[str, dict[str, str]]] = {
    "compute.node": _CHOSEN,
    "compute.nodes": _SIZED,
    "compute.nodes_per_unit": {"status": "derived", "note": "whole link domains, as many as a leaf takes"},
    "compute.rack": {"status": "derived", "note": "by the cooling and height of the node"},
    "compute.nodes_per_rack": {"status": "derived", "note": "as many as height and feed allow"},
    "compute.gpu_cap": _CHOSEN,
    "fabric.topology": _CHOSEN,
    "fabric.switch": _CHOSEN,
    "fabric.manager_links": _SUPERPOD,
    "fabric.node_cable": {"status": "assumed", "range": "3 .. 50 m"},
    "fabric.oversubscription": _CHOSEN,
    "storage.appliance": {"status": "assumed", "range": "any", "note": "stands in for flash storage of any maker"},
    "storage.appliances": _SIZED,
    "storage.capacity_appliance": {"status": "assumed", "range": "any", "note": "stands in for disk storage of any maker"},
    "storage.capacity_appliances": _SIZED,
    "management.in_band_switch": _SUPERPOD,
    "management.out_of_band_switch": _SUPERPOD,
    "management.fabric_managers": _SUPERPOD,
    "management.servers": _SUPERPOD,
    "management.rack_units_used": {"status": "derived", **_SUPERPOD, "note": "96 units in 6 racks of four scalable units"},
    "reliability.spare_nodes": _SIZED,
}
"""Path in the file -> what is said of the value."""
Sourcing = Callable[[str, object], Mapping[str, str]]
"""Path of a value in the file, and the value -> what the file says of it: its status, range, source and note."""
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def machine_text(
    frame: Frame, nodes_count: int, extras: Extras, catalogue: Catalogue, *,
    name: str, title: str, site: str = "", country: str = "", in_service: int | None = None,
    spare_nodes_count: int = 0, gpu_cap_w: float | None = None, note: str = "", origin: Sequence[str] = (),
) -> str:  # fmt: skip
    """The text of a machine file.

    nodes_count         with the spares;  spare_nodes_count   how many of them stand by
    site                name of its site file;  country   code of two letters;  in_service   year; each left out if empty
    gpu_cap_w           power limit of a GPU [W]; None or 0: no cap
    note                ends the file;  origin   lines of the comment on top: what made the file, from what

    With spare nodes it has a section `reliability`, of the usual fleet's values with their sources; without, none, so that
    the fleet is used by name.  Raises pydantic's ValidationError for a name or a count that no machine file can have.
    """
    record = machine_file(frame, nodes_count, extras, name, title)
    comment = [line for text in origin for line in text.splitlines()] or ["A machine of a plan."]
    lines = ["# " + "".join(sign for sign in line if sign.isprintable()) for line in comment]
    head = {"kind": record.kind, "name": name, "title": _quoted(title), "country": country, "in_service": in_service}
    lines += [f"{key}: {value}" for key, value in (head | {"site": site}).items() if value]
    sourcing = _sourcing(frame, catalogue)
    sections = {
        "compute": record.compute,
        "fabric": record.fabric,
        "storage": record.storage,
        "management": record.management,
    }
    for key, section in sections.items():
        if section is not None:
            lines += [f"{key}:", *_section(section, key, "  ", sourcing)]
        if key == "compute" and gpu_cap_w:
            lines.append(f"  gpu_cap: {_value(_number(gpu_cap_w, 'w'), _OF_PLAN['compute.gpu_cap'])}")
    for key, other in record.partitions.items():
        lines += ["partitions:", f"  {key}:", *_section(other, f"partitions.{key}", "    ", sourcing)]
    if spare_nodes_count:
        lines += ["reliability:", *_reliability(catalogue), f"  spare_nodes: {_value(str(spare_nodes_count), _SIZED)}"]
    return "\n".join([*lines, *([f"note: {_quoted(note)}"] if note else [])]) + "\n"


def _sourcing(frame: Frame, catalogue: Catalogue) -> Sourcing:
    """What a plan says of the values of a machine of a frame; of the transceiver of a node, what its kit says.

    The function that it gives takes the path of a value and the value, and gives the keys to be written beside it.
    """

    def said(path: str, value: object) -> Mapping[str, str]:
        """The keys to be written beside the value of a path; none where nothing is said of it."""
        if path == "fabric.node_optic":
            return _stand_in(frame, catalogue)
        if value == 0:  # fabric managers of a network that has none
            return {}
        if path.startswith("partitions.") and path.endswith(".servers"):
            return _SIZED
        return _OF_PLAN.get(path, {})

    return said


def _stand_in(frame: Frame, catalogue: Catalogue) -> Mapping[str, str]:
    """What the catalogue says of a node's transceiver that a kit only assumes; nothing of one that is the kit's own.

    Such a transceiver stands for one that the maker has not named yet, and the file says so with its status and range.
    """
    optics = catalogue.part(Kit, frame.kit.name).node_optics
    if frame.kit.node_optic not in optics:
        return {}
    entry = catalogue.provenance.get(f"kits.{frame.kit.name}.node_optics.{optics.index(frame.kit.node_optic)}")
    return _words(entry, with_value=False) if entry and entry.status == "assumed" else {}


def _words(entry: Provenance, *, with_value: bool = True) -> Mapping[str, str]:
    """The sourcing of a value as the keys of a file: status, range, source and note, without those that are empty.

    with_value   the value as its own file has it, too
    """
    words = {
        "value": entry.value_text if with_value else "",
        "status": entry.status,
        "range": entry.range_text,
        "source": entry.source,
        "note": entry.note,
    }
    return {key: text for key, text in words.items() if text}


def _section(record: Record, path: str, indent: str, sourcing: Sourcing) -> Iterator[str]:
    """The lines of a record, a field each, but for those that are as they are anyway.

    path       of the section in the file;  indent   blanks before each line
    sourcing   gives what is said of a value by its path and the value

    A field of its usual value is written only where something is said of it.
    """
    for field, info in type(record).model_fields.items():
        value, key = getattr(record, field), info.alias or field
        words = sourcing(f"{path}.{key}", value)
        usual = not info.is_required() and value == info.get_default(call_default_factory=True)
        if value is None or (usual and not words):
            continue
        text = _number(value, field[len(key) + 1 :]) if isinstance(value, int | float) else _quoted(value)
        yield f"{indent}{key}: {_value(text, words)}"


def _reliability(catalogue: Catalogue) -> Iterator[str]:
    """The usual fleet's values, with who says them.

    Only the fields of `Reliability` are written, and causes after all others; each value is as the catalogue's file has it,
    with its status, range, source and note.
    """
    name = read_reference().record.fleet
    fleet, path = catalogue.part(Fleet, name), f"fleets.{name}"

    def said(where: str, _: object) -> Mapping[str, str]:
        """The sourcing of a value of the fleet in the catalogue, with the value as it is written there."""
        return _words(catalogue.provenance.get(where, Provenance("")))

    own = Reliability.model_construct(**{field: getattr(fleet, field) for field in Reliability.model_fields})
    yield from _section(own.model_copy(update={"causes": {}}), path, "  ", said)
    if fleet.causes:
        yield "  causes:"
    for cause, entry in fleet.causes.items():
        yield f"    {cause}:"
        yield from _section(entry, f"{path}.causes.{cause}", "      ", said)


def _value(text: str, words: Mapping[str, str]) -> str:
    """A value as it stands in the file, alone or with its sourcing.

    text    the value itself, in quotes where it needs them
    words   what is said of it by key; a `value` among them is written instead, as its own file has it
    """
    if not words:
        return text
    text = words.get("value", text) if text[0].isdigit() else json.dumps(words["value"]) if "value" in words else text
    more = [
        f"{key}: {word if key in ('status', 'source') else _quoted(word)}" for key, word in words.items() if key != "value"
    ]
    return "{" + ", ".join([f"value: {text}", *more]) + "}"


def _number(value: float, dimension: str) -> str:
    """A number in the unit that Terp counts in, so that it is read to the last digit.

    dimension   suffix of the field's name, such as "w" or "bytes"; empty for a number without a unit
    """
    digits = repr(int(value)) if value == int(value) else repr(value)
    unit = next((unit for unit, factor in UNITS[dimension].items() if factor == 1.0), "") if dimension else ""
    return f'"{digits} {unit}"' if unit else digits


def _quoted(text: str) -> str:
    """A text in double quotes, or as it is where it is a short name.

    What YAML would read as no text stays quoted, and signs that do not print are escaped.
    """
    if text and _PLAIN.issuperset(text) and text[0].isalpha() and text not in ("true", "false", "null"):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)
