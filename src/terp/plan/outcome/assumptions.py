"""Everything that a plan rests on, with its value, range, status and source: prices, rates, the budget's own, throughput."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from terp.catalogue import Accelerator, Node
from terp.physics import MARKET
from terp.plan.machines.titles import INPUTS, PLAIN, SHARES, SITE
from terp.plan.money.ledger import Column
from terp.plan.search.frontier import Pick
from terp.plan.search.price_table import Setting
from terp.reader import Provenance

OURS: Final[tuple[tuple[str, str, str, str, str, str], ...]] = (
    ("acceptance", "From delivery to the first jobs", "3 months", "2 .. 9 months", "gefion-press", "time"),
    ("milestones", "Payment of the machine: at order, delivery, acceptance", "30, 50, 20 %", "30, 40 .. 70, 10 .. 30 %",
     "dutch-tender", "cash flow"),
    ("level", "What a public purchase comes to, over quoted prices, by its size", "fitted on known deals",
     "90 % interval of their spread", "", "acquisition"),
)  # fmt: skip
"""Constants of the planner itself: name, title, value, range, source, used for."""


def assumptions(setting: Setting, picks: Sequence[Pick]) -> list[dict[str, Any]]:
    """All rows of `assumptions`, those of the budget first; what is assumed is never left out."""
    rows = [*_budget(setting), *_prices(setting, picks), *_rates(setting), *_throughput(setting, picks), *_site(setting)]
    rows += [
        {"name": name, "title": title, "value": value, "range": span, "status": "assumed", "source": source, "note": "",
         "used_for": used}
        for name, title, value, span, source, used in OURS
    ]  # fmt: skip
    return rows


def _row(name: str, title: str, entry: Provenance, used_for: str, value: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "value": value or entry.value_text,
        "range": entry.range_text,
        "status": entry.status,
        "source": entry.source,
        "note": entry.note,
        "used_for": used_for,
    }


def _shares(row: dict[str, Any]) -> dict[str, Any]:
    """The same with shares in percent."""
    spelt = {key: _SHARE.sub(lambda found: f"{100 * float(found[0]):g} %", row[key]) for key in ("value", "range")}
    return row | spelt


_SHARE: Final = re.compile(r"\d*\.?\d+")
_USES: Final = {"amount": "money", "ready": "time", "pue_ceiling": "pue", "electricity": "electricity", "power": "power"}


def _budget(setting: Setting) -> Iterator[dict[str, Any]]:
    """The values that the budget's file gives a status, a range or a source."""
    record, given = setting.inputs.budget.record, setting.inputs.budget.provenance
    titles = {f"payers.{name}": payer.title for name, payer in record.payers.items()}
    titles |= {f"sites.{name}": setting.inputs.places[name].title for name in setting.inputs.places}
    for path, entry in given.items():
        parent, _, key = path.rpartition(".")
        if path in PLAIN:
            row = _row(path, PLAIN[path][0], entry, PLAIN[path][1], _listed(setting, path))
            yield _shares(row) if path in SHARES else row
        elif parent in titles and key in INPUTS:
            title = INPUTS[key].format(title=titles[parent])
            row = _row(path, title, entry, _USES.get(key, "money"), _listed(setting, path))
            yield _shares(row) if key in SHARES else row
        elif not parent.startswith("sites."):
            yield _row(path, path.replace("_", " ").replace(".", ", "), entry, parent or path)


def _listed(setting: Setting, path: str) -> str:
    """The value of an input that is more than one number, or yes or no; empty for any other."""
    record = setting.inputs.budget.record
    parent, _, key = path.rpartition(".")
    shares: Mapping[str, float] = {}
    if key == "ceilings" and parent.startswith("payers."):
        shares = {str(kind): share for kind, share in record.payers[parent.partition(".")[2]].ceilings.items()}
    elif key == "pays" and parent.startswith("payers."):
        return ", ".join(record.payers[parent.partition(".")[2]].pays)
    elif path == "want.domains":
        shares = setting.inputs.weights
    if shares:
        return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    given = setting.inputs.budget.provenance[path].value_text
    return {"True": "yes", "False": "no"}.get(given, "")


def _prices(setting: Setting, picks: Sequence[Pick]) -> Iterator[dict[str, Any]]:
    """The prices that any machine of the frontier pays."""
    prices, month = setting.inputs.prices, setting.inputs.budget.record.prices_of
    for column, paid in paid_columns(setting, picks):
        entry = prices.entries.get(column.name)
        if entry is None or not paid:
            continue
        known = prices.provenance.get(f"prices.{column.name}.price", Provenance("published", str(entry.price)))
        per = "" if entry.per == "piece" else f" per {entry.per}"
        trend = entry.yearly_trend_fraction
        moved = f", brought to {month} by {trend:+.0%} a year" if trend and entry.dated[:7] != month else ""
        dated = f"price of {entry.dated}{moved}"
        row = _row(f"prices.{column.name}", entry.title, known, column.line, f"{entry.price}{per}")
        yield row | {"note": "; ".join(note for note in (dated, known.note) if note)}


def _rates(setting: Setting) -> Iterator[dict[str, Any]]:
    prices = setting.inputs.prices
    for name, used in (("installation", "acquisition"), ("maintenance", "operation"), ("dense-premium", "building")):
        entry = prices.provenance.get(f"rates.{name}.rate")
        if entry is not None:
            yield _shares(_row(f"rates.{name}", prices.rates[name].title, entry, used))


def _throughput(setting: Setting, picks: Sequence[Pick]) -> Iterator[dict[str, Any]]:
    """What an hour of each GPU of the frontier is worth to each domain."""
    seen = set[str]()
    for pick in picks:
        node = setting.inputs.catalogue.part(Node, pick.design.frame.node)
        work = setting.work_of_frame(pick.design.frame, 1.0)
        if node.accelerator in seen:
            continue
        seen.add(node.accelerator)
        for domain, ratio in work.h100_ratio.items():
            title = setting.inputs.workload.record.domains[domain].title
            yield {
                "name": f"throughput.{node.accelerator}.{domain}",
                "title": f"{speed_title(setting, node.accelerator)}, {title.lower()}",
                "value": f"{ratio:.2f}",
                "range": f"{work.low_ratio[domain]:.2f} .. {work.high_ratio[domain]:.2f}",
                "status": "derived",
                "source": "",
                "note": "predicted steps of training and simulation and measured inference, weighted by GPU time",
                "used_for": "science",
            }


def speed_title(setting: Setting, gpu: str) -> str:
    """What a GPU gets done, over an H100."""
    return f"Speed of the {setting.inputs.catalogue.part(Accelerator, gpu).short_title} over an H100"


def _site(setting: Setting) -> Iterator[dict[str, Any]]:
    """What is assumed of the halls."""
    for place in setting.inputs.places.values():
        for path, entry in place.site.provenance.items():
            if entry.status == "assumed":
                title = f"{SITE.get(path, path.replace('_', ' ').replace('.', ', '))}, {place.title}"
                yield _row(f"{place.choice.site}.{path}", title, entry, "energy")


def cited(setting: Setting, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """`sources` of plan.json: the citations of the rows."""
    known = setting.inputs.catalogue.sources
    names = sorted({row["source"] for row in rows if row["source"] in known})
    keys = ("title", "publisher", "address", "grade", "dated")
    return {name: {key: getattr(known[name], key) for key in keys} for name in names}


def paid_columns(setting: Setting, picks: Sequence[Pick]) -> list[tuple[Column, bool]]:
    """Columns, and whether any of some machines pays for them; a price that stands in two lines is told once."""
    paid = np.any([pick.entry.quantities_count[pick.row] > 0 for pick in picks], axis=0)
    found = dict[str, tuple[Column, bool]]()
    for column, one in zip(setting.columns, paid.tolist(), strict=True):
        first, before = found.get(column.name, (column, False))
        found[column.name] = (first, before or one)
    return list(found.values())


def status_of(setting: Setting, line: str) -> str:
    """How the prices of a line are known: assumed, if any of them is."""
    prices, given = setting.inputs.prices.provenance, setting.inputs.budget.provenance
    paths = [f"prices.{column.name}.price" for column in setting.columns if column.line == line] + [f"rates.{line}.rate"]
    known = [prices[path].status for path in paths if path in prices]
    if line in ("electricity", "programme"):
        known = [entry.status for path, entry in given.items() if path.rpartition(".")[2] == line]
    return "assumed" if "assumed" in known else known[0] if known else "published"


def known(setting: Setting, factor: str) -> tuple[str, str, str, str]:
    """Kind, title, status and source of a factor that prices move by."""
    prices = setting.inputs.prices
    if factor in prices.entries:
        kind, title, path = "price", prices.entries[factor].title, f"prices.{factor}.price"
    elif factor in prices.rates:
        kind, title, path = "rate", prices.rates[factor].title, f"rates.{factor}.rate"
    elif factor == MARKET:
        return "price", "What the whole deal comes to, over the sum of quoted prices", "derived", ""
    elif factor == "programme":
        return "price", "Programme beside the machine", status_of(setting, "programme"), ""
    else:
        return "price", "Electricity, without tax", status_of(setting, "electricity"), ""
    entry = prices.provenance.get(path)
    return kind, title, entry.status if entry else "published", entry.source if entry else ""
