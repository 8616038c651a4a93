"""Who says so: a value may be a small mapping with its status, range and source.

    idle_power: {value: "2.45 kW", status: assumed, range: "2.1 .. 2.8 kW", source: smc-mlperf-2024, note:
    "..."}

The reader takes these apart: models see plain numbers, reports see where each came from.  A value that is
assumed must have a range, since plans and intervals vary it.  Whether a source is one that the catalogue cites
is checked there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.errors import Problem, did_you_mean
from terp.reader.fields import one_line
from terp.reader.tree import Path, Tree

STATUSES: Final = ("published", "measured", "derived", "fitted", "assumed")
"""How sure a value is: its maker says so, somebody measured it, it follows from others, a script fitted it to
measurements, or nobody knows and we took it.
"""
BASES: Final = (
    "dense", "sparse", "one direction", "both directions", "per device", "per node", "per port", "typical", "maximum",
    "list price", "quoted price", "contract price",
)  # fmt: skip
"""What a published number counts, where makers mean different things by one word."""
_KEYS: Final = ("value", "status", "basis", "range", "source", "note", "fitted_by")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one value comes from.

    value_text   as written, such as "2.2 kW"; empty for lists and mappings
    range_text   as written, such as "1 .. 4"; empty where none is given; required if assumed
    source       short name of an entry in sources.yaml; empty if the value is our own assumption
    fitted_by    the script that fitted it; empty if none did
    status       one of STATUSES
    basis        one of BASES; empty where the number can mean one thing only
    note         whatever a reader should know, in words
    """

    status: str
    value_text: str = ""
    source: str = ""
    basis: str = ""
    range_text: str = ""
    note: str = ""
    fitted_by: str = ""


def split(tree: Tree) -> tuple[object, dict[Path, Provenance], list[Problem]]:
    """Plain data without the sourcing, the sourcing by path, and what is wrong with it.

    A mapping that has a `source` of its own lends it, with status published, to the values below it.  A mapping
    is taken for a sourced value if it has the key `value`, so no record may have a field of that name.

    Gives the data, path of a value -> its sourcing, and the problems; raises nothing.  The places of values in
    the tree are moved to where the value itself stands, so that later problems point there.
    """
    sourcing: dict[Path, Provenance] = {}
    problems: list[Problem] = []

    def walk(data: object, path: Path, source: str) -> object:
        if isinstance(data, dict) and "value" in data:
            provenance, wrong = _sourcing(tree, data, path, source)
            sourcing[path] = provenance
            problems.extend(wrong)
            tree.values[path] = tree.place((*path, "value"))
            return data["value"]
        if isinstance(data, dict):
            own = data.get("source")
            source = own if isinstance(own, str) else source
            return {key: walk(value, (*path, key), source) for key, value in data.items() if key != "source"}
        if isinstance(data, list):
            return [walk(value, (*path, index), source) for index, value in enumerate(data)]
        if source and data is not None:
            sourcing[path] = Provenance("published", one_line(str(data)), source)
        return data

    return walk(tree.data, (), ""), sourcing, problems


def _sourcing(tree: Tree, data: dict[str, object], path: Path, source: str) -> tuple[Provenance, list[Problem]]:
    """The sourcing of one value written as a mapping, with what is wrong with it: unknown keys, no texts, no
    range.

    source   short name that the mapping around it lends; "" for none
    """
    problems = [
        tree.problem((*path, key), "unknown key", repr(key), did_you_mean(key, _KEYS), key=True)
        for key in data
        if key not in _KEYS
    ]
    problems += [
        tree.problem((*path, key), "not a text", repr(data[key]), "put it in quotes")
        for key in _KEYS[1:]
        if key in data and not isinstance(data[key], str)
    ]
    text = {key: one_line(value) if isinstance(value := data.get(key), str) else "" for key in _KEYS[1:]}
    status = text["status"] or "published"
    for key, allowed in (("status", STATUSES), ("basis", BASES)):
        if text[key] and text[key] not in allowed:
            problems.append(tree.problem((*path, key), f"unknown {key}", repr(text[key]), did_you_mean(text[key], allowed)))
    if status == "assumed" and not text["range"]:
        would_do = "add range: 'low .. high', so that plans can vary it"
        problems.append(tree.problem(path, "assumed without a range", repr(data["value"]), would_do))
    own_source = text["source"] or ("" if status == "assumed" else source)
    value_text = "" if isinstance(data["value"], dict | list) else one_line(str(data["value"]))
    rest = (text["basis"], text["range"], text["note"], text["fitted_by"])
    return Provenance(status, value_text, own_source, *rest), problems
