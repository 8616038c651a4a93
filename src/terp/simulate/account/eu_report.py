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
CALENDAR_DAYS: Final = 366
"""Days of the series' year, 2024."""
YEAR_DAYS: Final = 365
"""Days from which a run is a whole year, as everywhere in Terp (`units.YEAR_S`)."""
YEAR_RULE: Final = "a year is 365 days from 1 January; the series are of 2024, whose 366th day a run of 366 days adds"
THRESHOLD_KW: Final = 500.0
"""Installed IT power from which a centre must report."""
SIZES: Final = ((100, "below 100 kW"), (500, "very small"), (1000, "small"), (2000, "medium"), (10_000, "large"))
"""Upper bound of the installed IT power [kW] -> size class of the regulation, in order."""
_LINES: Final = (
    ("II.3(a)", "BIN", "bandwidth in", "GB/s", "rate_in_bytes_per_s", "_bytes_per_s", 1e9),
    ("II.3(b)", "BOUT", "bandwidth out", "GB/s", "rate_out_bytes_per_s", "_bytes_per_s", 1e9),
    ("II.3(c)", "TIN", "data in", "EB", "data_in_bytes", "_bytes", 1e18),
    ("II.3(d)", "TOUT", "data out", "EB", "data_out_bytes", "_bytes", 1e18),
)
"""Point, symbol, words and unit of the lines to the world, and the declared field with its suffix and its factor."""
Known = Literal["simulated", "declared", "derived", "not declared"]
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
    key      the key of the site file that gives it, or would; empty where it follows from the run
    """

    point: str
    symbol: str
    name: str
    unit: str
    value: Value
    known: Known
    note: str = ""
    key: str = ""


def eu_report(run: Run) -> dict[str, Any]:
    """eu-report.json, see docs/formats/eu-report.md.  Of a run longer than a year, the calendar year 2024.

    It has the items of annexes I and II and the indicators of annex III, whether the centre must report by its installed
    power, and its size class.  A run shorter than a year is summed as it is, and `whole_year` says so.
    """
    days = min(run.summary.days, CALENDAR_DAYS)
    items = [*_place(run), *_energy(run, days), *_water_and_heat(run, days), *_renewables(run, days), *_capacity(run)]
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
        "whole_year": days >= YEAR_DAYS,
        "year_rule": YEAR_RULE,
        "country": run.origin.get("country", ""),
        "must_report": installed_kw >= THRESHOLD_KW,
        "size": next((word for bound, word in SIZES if installed_kw < bound), "very large"),
        "items": [asdict(item) for item in items],
        "indicators": [asdict(item) for item in _indicators(by_symbol)],
    }


def _hours(run: Run, name: str, days: int) -> NDArray[np.float64]:
    """A column of the run's hourly table over the days that are reported, shape (24 x days,)."""
    values: NDArray[np.float64] = run.hours.column(name).to_numpy()[: 24 * days]
    return values


def _said(run: Run, name: str) -> Value:
    """What the site file declares under `declared`; None where it is silent, and for runs of earlier versions.

    name   of the field, with its unit
    """
    value: Value = run.origin.get("declared", {}).get(name)
    return None if value in ([], "") else value


def _place(run: Run) -> list[Item]:
    """Annex I: what names the centre.  The name and the country are in the files; the rest is the operator's to declare."""
    year, since = run.origin.get("in_service"), _said(run, "in_operation")
    country = run.origin.get("country", "")
    place = f"in {country}; the LAU code of Eurostat names the municipality" if country else ""
    begun = _declared("I.1(e)", "", "year and month of entry into operation", "", since, key="declared.in_operation")
    if since is None and year is not None:
        note = "the machine's year, by its file; the month is to be declared"
        begun = Item("I.1(e)", "", begun.name, "", str(year), "derived", note, "declared.in_operation")
    title = f"{run.origin['title']} at {run.origin['site_title']}"
    return [
        Item("I.1(a)", "", "name of the data centre", "", title, "declared", key="title"),
        _declared("I.1(b)", "", "owner and operator", "", _said(run, "owner"), key="declared.owner"),
        _declared("I.1(c)", "", "location", "LAU code", _said(run, "municipality"), place, "declared.municipality"),
        _declared("I.1(d)", "", "type of data centre", "", _said(run, "centre"), key="declared.centre"),
        begun,
        *(
            _declared(point, "", f"redundancy of the {what} infrastructure", "", _said(run, f"{what}_redundancy"),
                      key=f"declared.{what}_redundancy")
            for point, what in (("I.2(a)", "electrical"), ("I.2(b)", "cooling"))
        ),
    ]  # fmt: skip


def _declared(point: str, symbol: str, name: str, unit: str, value: Value, note: str = "", key: str = "") -> Item:
    """An item of the site file; without a value, or with an empty list, it is not declared."""
    return Item(point, symbol, name, unit, value, "not declared" if value in (None, []) else "declared", note, key)


def _scaled(run: Run, name: str, factor: float) -> float | None:
    """A declared number in the regulation's unit, which is `factor` of SI; None where it is not declared.

    name   of the field under `declared`;  factor   SI units in one of the regulation's
    """
    value = _said(run, name)
    return float(value) / factor if isinstance(value, int | float) else None


def _energy(run: Run, days: int) -> list[Item]:
    """Annex II, 1 (a) to (g): installed power [kW], areas [m2], energies of the hall and of the machine [kWh]."""
    hall = run.origin["facility"]
    installed_kw = run.origin["power"]["rated_w"] / 1000
    whole, machine = (float(_hours(run, name, days).sum()) / J_PER_KWH for name in ("facility_energy_j", "it_energy_j"))
    makers = "makers' maxima of nodes, switches, storage and servers, by the bill of materials"
    ups = "nodes, network, storage and management, as they draw it; losses before them are the hall's"
    return [
        Item("II.1(a)", "PDIT", "installed IT power demand", "kW", installed_kw, "derived", makers),
        _declared("II.1(b)", "SDC", "floor area of the data centre", "m2", hall["floor_area_m2"], key="hall.floor_area"),
        _declared("II.1(c)", "SCR", "floor area of its computer rooms", "m2", hall["room_area_m2"], key="hall.room_area"),
        Item("II.1(d)", "EDC", "total energy", "kWh", whole, "simulated", "electricity alone"),
        _declared("II.1(d)", "EDC-BG", "of it, from back-up generators", "kWh", _scaled(run, "backup_energy_j", J_PER_KWH),
                  key="declared.backup_energy"),
        Item("II.1(e)", "EIT", "energy of the IT equipment", "kWh", machine, "simulated", ups),
        _declared("II.1(f)", "", "functions for the grid", "", _said(run, "grid_functions"), key="declared.grid_functions"),
        _declared("II.1(g)", "CBtG", "battery capacity offered to the grid", "kW", _scaled(run, "grid_battery_w", 1000),
                  key="declared.grid_battery"),
    ]  # fmt: skip


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
    share = _scaled(run, "potable_fraction", 1.0)
    potable = 0.0 if not water_m3 else None if share is None else share * water_m3
    known: Known = "simulated" if not water_m3 else "not declared" if share is None else "declared"
    return [
        Item("II.1(h)", "WIN", "total water input", "m3", water_m3, "simulated", cooling),
        Item("II.1(i)", "WIN-POT", "of it, potable", "m3", potable, known, "", "declared.potable"),
        Item("II.1(j)", "EREUSE", "waste heat reused", "kWh", reused, "simulated", handed),
        _declared("II.1(k)", "TWH", "mean temperature of waste heat", "degC", hall["waste_heat_celsius"],
                  key="hall.return_air, or cooling.liquid.return"),
        _declared("II.1(l)", "TIN", "mean setpoint of intake air", "degC", hall["setpoint_celsius"],
                  key="hall.setpoint"),
        _declared("II.1(m)", "", "refrigerants", "", hall["refrigerants"],
                  key="hall.refrigerants"),
        Item(
            "II.1(n)", "CDD", "cooling degree days, base 21 degC", "degree-days", degree_days,
            "not declared" if degree_days is None else "derived", series, "dry_bulb",
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
        Item("II.1(o)", "ERES-TOT", "renewable energy", "kWh", total, known, shares, "renewables"),
        *(
            Item(point, symbol, name, "kWh", value, known, shares, f"renewables.{key.removesuffix('_fraction')}")
            for (point, symbol, name, key), value in zip(kinds, energy, strict=True)
        ),
    ]


def _capacity(run: Run) -> list[Item]:
    """Annex II, 2 and 3: capacity of servers and disks, lines to the world.  The machine's file knows its storage.

    The others stand in the report so that whoever sends it in sees what is still to be declared.
    """
    stored = run.origin.get("storage_bytes")
    disks = _declared("II.2(b)", "CSTOR", "capacity of storage", "PB", None, key="storage of the machine file")
    if stored is not None:
        rows = [
            row for path, row in run.origin["provenance"].items() if path.startswith(f"{run.origin['machine']}.storage.")
        ]
        assumed = any(row["status"] == "assumed" for row in rows)
        named = sorted({row["source"] for row in rows if row.get("source")})
        by = f" ({', '.join(named)})" if named else ""
        note = f"usable, by the machine's file{by}{', which assumes the appliances' if assumed else ''}"
        disks = Item("II.2(b)", "CSTOR", disks.name, "PB", stored / 1e15, "derived", note, disks.key)
    return [
        _declared("II.2(a)", "CSERV", "capacity of servers (SERT)", "", _said(run, "server_capacity_ratio"),
                  key="declared.server_capacity"),
        disks,
        *(
            _declared(point, symbol, words, unit, _scaled(run, name, factor), key=f"declared.{name.removesuffix(suffix)}")
            for point, symbol, words, unit, name, suffix, factor in _LINES
        ),
    ]  # fmt: skip


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
