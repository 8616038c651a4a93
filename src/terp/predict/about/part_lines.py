"""What is known of a part of the catalogue and of a software, a line a value with who says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from terp.catalogue import Accelerator, Node, Part, Processor, constant_notes, read_catalogue, read_prices
from terp.describe import shipped_names
from terp.hardware import machine_from
from terp.notes import Scalar
from terp.physics import architecture_of, dgemm_flop_per_s, node_levels
from terp.physics.gpu.clocks import cap_w, idle_w
from terp.physics.gpu.dgemm import power_limited_clock_hz
from terp.physics.training.software import Generation, generation_named
from terp.reader import Provenance
from terp.reader.fields import dimension_of, keys_of

_OF_SOFTWARE: Final = "software.generations."
Known = tuple[str, str, list["AboutLine"], dict[str, object]]
"""Title, file, lines and figures of a part."""


@dataclass(frozen=True)
class AboutLine:
    """One value: where it stands, what it is called, and who says it.

    path        in its file, such as "cooling.air"; of what follows from others, its own key
    label       name of its field, with the unit that `value` is in
    value       in SI, or words
    dimension   a key of `units.UNITS`; empty for words
    status      published, measured, derived, fitted or assumed; empty where the file does not say
    source      an entry of sources.yaml;  range_text, note   as written
    """

    path: str
    label: str
    value: Scalar
    dimension: str = ""
    status: str = ""
    source: str = ""
    range_text: str = ""
    note: str = ""


def said_by(line: AboutLine, entry: Provenance | None) -> AboutLine:
    """The line with who says its value; as it is where nobody is named."""
    if entry is None:
        return line
    return replace(line, status=entry.status, source=entry.source, range_text=entry.range_text, note=entry.note)


def gpu_lines(name: str) -> Known:
    """A GPU: rates, clocks and powers of its sheet, what was measured on its kind, prices of nodes with it, who has it.

    name   of the catalogue, in full.  Clocks in DGEMM are there only where the power cap holds them down
    """
    catalogue = read_catalogue()
    part = catalogue.part(Accelerator, name)
    known = architecture_of(part)
    lines = list(_of_part("accelerators", name, part))
    figures: dict[str, object] = dict(part.model_dump(mode="json", exclude={"title"}))
    clocks: dict[str, tuple[Scalar, str]] = {"idle_power_w": (idle_w(part), "w"), "gpu_cap_w": (cap_w(part), "w")}
    if part.fp64_matrix_flop_per_s:
        clocks["dgemm_flop_per_s"] = (dgemm_flop_per_s(part), "flop_per_s")
    if known.power_limited:
        clocks["dgemm_clock_hz"] = (power_limited_clock_hz(part), "hz")
    clocks["flop_energy_j_per_flop"] = (known.flop_energy_j_per_flop, "j_per_flop")
    lines += [AboutLine(key, key, value, dimension, "derived") for key, (value, dimension) in clocks.items()]
    lines.append(AboutLine("measured", "measured", ", ".join(sorted(known.fitted)) or "nothing", "", "derived"))
    nodes = [key for key, node in catalogue.parts["nodes"].items() if getattr(node, "accelerator", "") == name]
    lines += _price_lines(nodes)
    holders = _machines_with(nodes)
    lines += _names_line("nodes", nodes) + _names_line("machines", holders)
    figures |= {key: value for key, (value, _) in clocks.items()}
    figures |= {
        "measured": sorted(known.fitted),
        "nodes": nodes,
        "machines": holders,
        "prices": [asdict(price) for price in _prices(nodes)],
    }
    return part.title, "parts/accelerators.yaml", lines, figures


def node_lines(name: str) -> Known:
    """A node: its parts, ports and powers, the levels that simulations take, its price, and the machines built of it.

    name   of the catalogue.  Levels are without fans [W], measured or scaled from measured nodes
    """
    catalogue = read_catalogue()
    part = catalogue.part(Node, name)
    chip = catalogue.part(Accelerator, part.accelerator)
    lines = list(_of_part("nodes", name, part))
    levels = asdict(node_levels(part, chip, catalogue.part(Processor, part.processor)))
    lines += [AboutLine(f"levels.{_bare(key)}", key, value, "w", "derived") for key, value in levels.items()]
    lines += _price_lines([name])
    holders = _machines_with([name])
    lines += _names_line("machines", holders)
    figures: dict[str, object] = {**part.model_dump(mode="json", exclude={"title"}), "levels": levels, "machines": holders}
    return part.title, "parts/nodes.yaml", lines, {**figures, "prices": [asdict(price) for price in _prices([name])]}


def software_lines(name: str) -> Known:
    """A generation of training software: every constant with its status, range and source.

    A constant that it does not say itself has the source of the defaults.
    """
    generation = generation_named(name)
    notes = {note.path: note for note in constant_notes("software")}
    lines = []
    for part in fields(generation):
        value = getattr(generation, part.name)
        key = part.metadata.get("key") or _bare(part.name)
        if part.name == "title":
            continue
        for label, inner in value.items() if isinstance(value, Mapping) else ((part.name, value),):
            path = f"{key}.{label}" if isinstance(value, Mapping) else key
            found = notes.get(f"{_OF_SOFTWARE}{name}.{path}") or notes.get(f"software.defaults.{path}")
            line = AboutLine(path, part.name, inner, dimension_of(part.name))
            if found is not None:
                line = replace(line, status=found.status, source=found.source, range_text=found.range_text, note=found.note)
            lines.append(line)
    return generation.title, "physics/software.yaml", lines, _plain(generation)


def _bare(name: str) -> str:
    """A field's name as its file writes it: without its unit."""
    dimension = dimension_of(name)
    return name.removesuffix(f"_{dimension}") if dimension else name


def _plain(generation: Generation) -> dict[str, object]:
    """The constants by the names of their fields."""
    every = {part.name: getattr(generation, part.name) for part in fields(generation) if part.name != "title"}
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in every.items()}


def _of_part(family: str, name: str, part: Part) -> Iterable[AboutLine]:
    """The values of a part's file, each with who says it.

    family   of the part, such as "nodes"; a mapping of values, such as peaks by precision, has a line an entry
    """
    sourcing = read_catalogue().provenance
    for field, key in keys_of(type(part)).items():
        value = getattr(part, field)
        if field in ("title", "short", "label") or value is None or value == "":
            continue
        for inner, found in value.items() if isinstance(value, Mapping) else (("", value),):
            path = f"{key}.{inner}" if inner else key
            shown = ", ".join(map(str, found)) if isinstance(found, list) else found
            line = AboutLine(path, field, shown, "" if isinstance(found, list | str) else dimension_of(field))
            yield said_by(line, sourcing.get(f"{family}.{name}.{path}"))


@dataclass(frozen=True)
class NodePrice:
    """What a node costs, as it was asked for, without tax.

    of            the node;  dated   month in which it was asked or paid
    amount      of one, in whole units of `currency`;  ends  the low and the high end of its range
    status, source      of the amount, as its file says
    """

    of: str
    amount: float
    currency: str
    ends: tuple[float, float]
    dated: str
    status: str
    source: str


def _prices(nodes: Iterable[str]) -> list[NodePrice]:
    """The prices of some nodes; those that the catalogue has no price of are left out."""
    prices, priced = read_prices(), []
    for node in nodes:
        name = prices.of_part(node)
        if name is None:
            continue
        entry, (low, _, high) = prices.named(name), prices.price_range(name)
        said, many = prices.provenance.get(f"prices.{name}.price"), entry.pieces_count
        who = (said.status, said.source) if said else ("", "")
        one = (entry.price.amount / many, entry.price.currency, (low.amount / many, high.amount / many))
        priced.append(NodePrice(node, *one, entry.dated, *who))
    return priced


def _price_lines(nodes: Iterable[str]) -> list[AboutLine]:
    """The prices of nodes as lines, one for all that have the same."""
    alike: dict[NodePrice, list[str]] = {}
    for price in _prices(nodes):
        alike.setdefault(replace(price, of=""), []).append(price.of)
    lines = []
    for price, of in alike.items():
        text = f"{price.amount / 1e3:,.0f} k{price.currency} in {price.dated} ({', '.join(of)})"
        ends = f"{price.ends[0] / 1e3:,.0f} .. {price.ends[1] / 1e3:,.0f} k{price.currency}"
        lines.append(AboutLine("price of a node", "price", text, "", price.status, price.source, ends))
    return lines


def _machines_with(nodes: Iterable[str]) -> list[str]:
    """Shipped machines whose compute nodes are one of some."""
    wanted = set(nodes)
    return [name for name in shipped_names("machines") if machine_from(name).file.compute.node in wanted]


def _names_line(label: str, several: list[str]) -> list[AboutLine]:
    """A line of names, if there are any."""
    return [AboutLine(label, label, ", ".join(several))] if several else []
