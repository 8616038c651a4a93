"""The yearly report of a data centre to the EU's database, filled from a run as far as a simulation can.

Items and formulas are those of eu-2024-1364, under eu-2023-1791 and its Article 12.  Each item says how its value is
known; what neither a run nor a site file holds, such as the owner or benchmarks of servers, stands there without one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from terp.physics import cooling_degree_days
from terp.results import Run
from terp.units import J_PER_KWH

FORMAT: Final = "terp-eu-report/1"
FIRST_DAY: Final = date(2024, 1, 1)
"""A simulated year is this one."""
YEAR_DAYS: Final = 366
THRESHOLD_KW: Final = 500.0
"""Installed IT power from which a centre must report."""
SIZES: Final = ((100, "below 100 kW"), (500, "very small"), (1000, "small"), (2000, "medium"), (10_000, "large"))
"""Upper bound of the installed IT power [kW] -> size class of the regulation, in order."""
Known = Literal["simulated", "declared", "derived", "not declared", "not simulated"]
"""How a value is known, or why there is none."""
Value = float | str | list[str] | None
"""What an item may hold; None where there is no value."""


@dataclass(frozen=True)
class Item:
    """One item of an annex.

    point    annex, section and letter, such as "II.1(d)"
    symbol   the regulation's own; empty where it has none
    name     in words
    unit     as the regulation has it; empty for words and shares
    value    in that unit, None where there is none
    known    simulated, declared in the site file, derived from others here, or why there is no value
    note     what the value covers
    """

    point: str
    symbol: str
    name: str
    unit: str
    value: Value
    known: Known
    note: str = ""


def eu_report(run: Run) -> dict[str, Any]:
    """eu-report.json, see docs/formats/eu-report.md.  Of a run longer than a year, the calendar year 2024.

    It has the items of annexes I and II and the indicators of annex III, whether the centre must report by its installed
    power, and its size class.  A run shorter than a year is summed as it is, and `whole_year` says so.
    """
    days = min(run.summary.days, YEAR_DAYS)
    items = [*_place(run), *_energy(run, days), *_water_and_heat(run, days), *_renewables(run, days), *_capacity()]
    by_symbol = {item.symbol: item for item in items if item.symbol and item.point.startswith("II.1")}
    installed_kw = float(by_symbol["PDIT"].value)  # type: ignore[arg-type]
    return {
        "format": FORMAT,
        "regulation": "(EU) 2024/1364",
        "directive": "(EU) 2023/1791",
        "source": "eu-2024-1364",
        "simulated": True,
        "machine": run.summary.machine,
        "site": run.origin["site"],
        "seed": run.summary.seed,
        "version": run.origin["version"],
        "from": FIRST_DAY.isoformat(),
        "to": (FIRST_DAY + timedelta(days=days - 1)).isoformat(),
        "whole_year": days == YEAR_DAYS,
        "must_report": installed_kw >= THRESHOLD_KW,
        "size": next((word for bound, word in SIZES if installed_kw < bound), "very large"),
        "items": [asdict(item) for item in items],
        "indicators": [asdict(item) for item in _indicators(by_symbol)],
    }


def _hours(run: Run, name: str, days: int) -> NDArray[np.float64]:
    """A column of the run's hourly table over the days that are reported, shape (24 x days,)."""
    values: NDArray[np.float64] = run.hours.column(name).to_numpy()[: 24 * days]
    return values


def _place(run: Run) -> list[Item]:
    """Annex I: what names the centre.

    Only the name is known; the rest is the operator's to say.
    """
    return [
        Item(
            "I.1(a)", "", "name of the data centre", "", f"{run.origin['title']} at {run.origin['site_title']}", "declared"
        ),
        Item("I.1(b)", "", "owner and operator", "", None, "not declared"),
        Item("I.1(c)", "", "location", "LAU code", None, "not declared"),
        Item("I.1(d)", "", "type of data centre", "", None, "not declared"),
        Item("I.1(e)", "", "year and month of entry into operation", "", None, "not declared"),
        Item("I.2(a)", "", "redundancy of the electrical infrastructure", "", None, "not declared"),
        Item("I.2(b)", "", "redundancy of the cooling infrastructure", "", None, "not declared"),
    ]


def _declared(point: str, symbol: str, name: str, unit: str, value: Value) -> Item:
    """An item of the site file; without a value, or with an empty list, it is not declared."""
    return Item(point, symbol, name, unit, value, "not declared" if value in (None, []) else "declared")


def _energy(run: Run, days: int) -> list[Item]:
    """Annex II, 1 (a) to (g): installed power [kW], areas [m2], energies of the hall and of the machine [kWh]."""
    hall = run.origin["facility"]
    installed_kw = run.origin["power"]["rated_w"] / 1000
    whole, machine = (float(_hours(run, name, days).sum()) / J_PER_KWH for name in ("facility_energy_j", "it_energy_j"))
    makers = "makers' maxima of nodes, switches, storage and servers, by the bill of materials"
    ups = "nodes, network, storage and management, as they draw it; losses before them are the hall's"
    return [
        Item("II.1(a)", "PDIT", "installed IT power demand", "kW", installed_kw, "derived", makers),
        _declared("II.1(b)", "SDC", "floor area of the data centre", "m2", hall["floor_area_m2"]),
        _declared("II.1(c)", "SCR", "floor area of its computer rooms", "m2", hall["room_area_m2"]),
        Item("II.1(d)", "EDC", "total energy", "kWh", whole, "simulated", "electricity alone"),
        Item("II.1(d)", "EDC-BG", "of it, from back-up generators", "kWh", None, "not simulated"),
        Item("II.1(e)", "EIT", "energy of the IT equipment", "kWh", machine, "simulated", ups),
        Item("II.1(f)", "", "functions for the grid", "", None, "not declared"),
        Item("II.1(g)", "CBtG", "battery capacity offered to the grid", "kW", None, "not declared"),
    ]


def _water_and_heat(run: Run, days: int) -> list[Item]:
    """Annex II, 1 (h) to (n): water [m3], reused heat [kWh], temperatures [degC], cooling degree days.

    Cooling degree days need the site's series of dry air; without one they are not declared.
    """
    hall = run.origin["facility"]
    water_m3 = float(_hours(run, "water_kg", days).sum()) / 1000
    reused = float(_hours(run, "reused_heat_j", days).sum()) / J_PER_KWH
    dry = _hours(run, "dry_bulb_celsius", days)
    degree_days = None if np.isnan(dry).any() else cooling_degree_days(dry)
    series = run.origin["series"].get("dry_bulb", {}).get("title", "the site names no series of air temperature")
    cooling = "of cooling alone: no water of people, fire or humidity"
    handed = "at the boundary, with the heat of the centre's own heat pump" if hall["heat_pump"] else "at the boundary"
    potable, known = (None, "not declared") if water_m3 else (0.0, "simulated")
    return [
        Item("II.1(h)", "WIN", "total water input", "m3", water_m3, "simulated", cooling),
        Item("II.1(i)", "WIN-POT", "of it, potable", "m3", potable, known),  # type: ignore[arg-type]
        Item("II.1(j)", "EREUSE", "waste heat reused", "kWh", reused, "simulated", handed),
        _declared("II.1(k)", "TWH", "mean temperature of waste heat", "degC", hall["waste_heat_celsius"]),
        _declared("II.1(l)", "TIN", "mean setpoint of intake air", "degC", hall["setpoint_celsius"]),
        _declared("II.1(m)", "", "refrigerants", "", hall["refrigerants"]),
        Item(
            "II.1(n)", "CDD", "cooling degree days, base 21 degC", "degree-days", degree_days,
            "not declared" if degree_days is None else "derived", series,
        ),
    ]  # fmt: skip


def _renewables(run: Run, days: int) -> list[Item]:
    """Annex II, 1 (o) to (r): shares of the total energy that the site file declares.

    A share that is declared is taken of the simulated energy [kWh]; none is assumed where the file is silent.
    """
    declared, whole = run.origin["facility"]["renewables"], float(_hours(run, "facility_energy_j", days).sum()) / J_PER_KWH
    kinds = (
        ("II.1(p)", "ERES-GOO", "of it, by guarantees of origin", "guarantees_fraction"),
        ("II.1(q)", "ERES-PPA", "of it, by power purchase agreements", "agreements_fraction"),
        ("II.1(r)", "ERES-OS", "of it, made on site", "on_site_fraction"),
    )
    known: Known = "declared" if declared else "not declared"
    shares = "declared shares of the simulated energy" if declared else ""
    energy = [declared[key] * whole if declared else None for *_, key in kinds]
    total = sum(declared.values()) * whole if declared else None
    return [
        Item("II.1(o)", "ERES-TOT", "renewable energy", "kWh", total, known, shares),
        *(
            Item(point, symbol, name, "kWh", value, known, shares)
            for (point, symbol, name, _), value in zip(kinds, energy, strict=True)
        ),
    ]


def _capacity() -> list[Item]:
    """Annex II, 2 and 3: benchmarks of servers, disks and lines to the world, none of which a run has.

    They stand in the report so that whoever sends it in sees what is still to be filled.
    """
    rows = (
        ("II.2(a)", "CSERV", "capacity of servers (SERT)", ""),
        ("II.2(b)", "CSTOR", "capacity of storage", "PB"),
        ("II.3(a)", "BIN", "bandwidth in", "GB/s"),
        ("II.3(b)", "BOUT", "bandwidth out", "GB/s"),
        ("II.3(c)", "TIN", "data in", "EB"),
        ("II.3(d)", "TOUT", "data out", "EB"),
    )
    return [Item(point, symbol, name, unit, None, "not simulated") for point, symbol, name, unit in rows]


def _indicators(by_symbol: dict[str, Item]) -> list[Item]:
    """Annex III, from the items by its formulas.  No value where nothing was drawn or an item is not declared.

    PUE, WUE, ERF and REF; the water usage is in m3 per MWh, the others are ratios.
    """
    return [
        _ratio("III(a)", "PUE", "power usage effectiveness", "", by_symbol["EDC"], by_symbol["EIT"]),
        _ratio("III(b)", "WUE", "water usage effectiveness", "m3/MWh", by_symbol["WIN"], by_symbol["EIT"], 1000),
        _ratio("III(c)", "ERF", "energy reuse factor", "", by_symbol["EREUSE"], by_symbol["EDC"]),
        _ratio("III(d)", "REF", "renewable energy factor", "", by_symbol["ERES-TOT"], by_symbol["EDC"]),
    ]


def _ratio(point: str, symbol: str, name: str, unit: str, over: Item, under: Item, scale: float = 1.0) -> Item:
    """An indicator: one item over another, times a scale.  No value where either is not known, or the lower one is 0."""
    note = f"{over.symbol} / {under.symbol}"
    if not isinstance(over.value, float) or not isinstance(under.value, float) or under.value == 0:
        return Item(point, symbol, name, unit, None, "not declared", note)
    return Item(point, symbol, name, unit, over.value / under.value * scale, "derived", note)
