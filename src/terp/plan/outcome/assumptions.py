"""Everything that a plan rests on, with its value, range, status and source: prices, rates, the budget's own, throughput.

Rows are in the order of a reader's interest: the budget, prices, rates, speed of GPUs, halls, then the planner's own
constants.  A row's value and range are as its file has them, so that they can be found there.

A row is named by where it stands: `prices.NAME` and `rates.NAME` of the catalogue, a path of the budget as it is,
`throughput.GPU.DOMAIN`, and `SITE.PATH` of a site's file; the planner's own constants have a word.  Its status is one of the
reader's STATUSES, and its source a short name that `cited` looks up, or empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from terp.catalogue import Accelerator, Node
from terp.notes import SourceNote
from terp.physics import MARKET
from terp.plan.money.ledger import CostColumn
from terp.plan.outcome.known_inputs import OF_PAYER_OR_SITE, OF_SITE_FILE, SHARES, USES
from terp.plan.outcome.plan_records import Assumption
from terp.plan.reason_codes import Code, Datum, Reason, Words
from terp.plan.search.frontier import Pick
from terp.plan.search.workings import Workings
from terp.reader import Provenance

OURS: Final[tuple[Assumption, ...]] = (
    Assumption(
        "acceptance", Reason(Code.ACCEPTANCE), "3 months", "2 .. 9 months", "assumed", "gefion-press", (), "time"
    ),
    Assumption(
        "milestones", Reason(Code.MILESTONES), "30, 50, 20 %", "30, 40 .. 70, 10 .. 30 %", "assumed", "dutch-tender", (),
        "cash flow",
    ),
    Assumption(
        "level", Reason(Code.DEAL_LEVEL_BY_SIZE), Reason(Code.FITTED_ON_DEALS), Reason(Code.SPREAD_OF_DEALS), "assumed", "",
        (), "acquisition",
    ),
)  # fmt: skip
"""Constants of the planner itself."""
_SHARE: Final = re.compile(r"\d*\.?\d+")


def assumptions(workings: Workings, picks: Sequence[Pick]) -> tuple[Assumption, ...]:
    """All that a plan rests on, what the budget says first; what is assumed is never left out.

    workings   of the plan: its budget, prices and rates, and the work of its nodes
    picks      the frontier: prices that none of them pays are left out
    """
    rows = [*_budget(workings), *_prices(workings, picks), *_rates(workings), *_throughput(workings, picks)]
    return (*rows, *_site(workings), *OURS)


def _assumption(
    name: str,
    title: Words,
    entry: Provenance,
    used_for: str,
    value: Words = "",
    notes: tuple[Words, ...] | None = None,
    site_title: str = "",
) -> Assumption:
    """An input as its file has it, with another value or notes where they are given.

    entry      the value's sourcing;  used_for   line or class of cost, or what else it goes into
    value      empty: as the file writes it;  notes   None: the file's own
    site_title of whose site it is; empty for any other
    """
    own = (entry.note,) if entry.note else ()
    return Assumption(
        name=name,
        title=title,
        value=value or entry.value_text,
        range=entry.range_text,
        status=entry.status,
        source=entry.source,
        notes=own if notes is None else notes,
        used_for=used_for,
        site_title=site_title,
    )


def _in_percent(row: Assumption) -> Assumption:
    """The same with shares in percent."""
    return replace(row, value=_percent(row.value), range=_percent(row.range))


def _percent(words: Words) -> Words:
    """Words with every share in them in percent, "0.21" as "21 %"; a code stays as it is.

    The numbers of a range are changed one by one, so "0.05 .. 0.1" becomes "5 % .. 10 %".
    """
    if not isinstance(words, str):
        return words
    return _SHARE.sub(lambda match: f"{100 * float(match[0]):g} %", words)


def _budget(workings: Workings) -> Iterator[Assumption]:
    """The values that the budget's file gives a status, a range or a source.

    Inputs with a title in the catalogue of messages get it; any other gets its path as words.  Of sites that were left out
    of
    the plan nothing is listed.
    """
    record, given = workings.inputs.budget.record, workings.inputs.budget.provenance
    titles = {f"payers.{name}": payer.title for name, payer in record.payers.items()}
    titles |= {f"sites.{name}": workings.inputs.places[name].title for name in workings.inputs.places}
    for path, entry in given.items():
        parent, _, key = path.rpartition(".")
        if path in USES:
            row = _assumption(path, Reason(f"input.{path}"), entry, USES[path], _listed(workings, path))
            yield _in_percent(row) if path in SHARES else row
        elif parent in titles and key in OF_PAYER_OR_SITE:
            of_site = parent.startswith("sites.")
            title = Reason(f"input.{key}", {} if of_site else {"title": titles[parent]})
            where = titles[parent] if of_site else ""
            row = _assumption(path, title, entry, OF_PAYER_OR_SITE[key], _listed(workings, path), site_title=where)
            yield _in_percent(row) if key in SHARES else row
        elif not parent.startswith("sites."):
            yield _assumption(path, path.replace("_", " ").replace(".", ", "), entry, parent or path)


def _listed(workings: Workings, path: str) -> Words:
    """The value of an input that is more than one number, or yes or no; empty for any other.

    path   in the budget, such as "payers.state.ceilings"
    """
    record = workings.inputs.budget.record
    parent, _, key = path.rpartition(".")
    if parent.startswith("payers.") and key in ("ceilings", "pays"):
        payer = record.payers[parent.partition(".")[2]]
        if key == "ceilings":
            return Reason(Code.CLASS_SHARES, {"shares": {str(kind): share for kind, share in payer.ceilings.items()}})
        return Reason(Code.CLASSES_PAID, {"classes": tuple(payer.pays)})
    if path == "want.domains":
        return Reason(Code.DOMAIN_SHARES, {"shares": workings.inputs.weights})
    truths: dict[str, Words] = {"True": Reason(Code.YES), "False": Reason(Code.NO)}
    return truths.get(workings.inputs.budget.provenance[path].value_text, "")


def _prices(workings: Workings, picks: Sequence[Pick]) -> Iterator[Assumption]:
    """The prices that any machine of the frontier pays, each with its date, and with its trend where it was moved to another
    month.

    A note says of which month the price is; where it has a trend and that is not the budget's month, the note is of a price
    that was moved.  The value shown is the one of the file, before it was moved, with its currency and what it is per.
    """
    prices, month = workings.inputs.prices, workings.inputs.budget.record.prices_of
    for column, paid in paid_columns(workings, picks):
        entry = prices.entries.get(column.name)
        if entry is None or not paid:
            continue
        origin = prices.provenance.get(f"prices.{column.name}.price", Provenance("published", str(entry.price)))
        per = "" if entry.per == "piece" else f" per {entry.per}"
        data: dict[str, Datum] = {"dated": entry.dated}
        trend = entry.yearly_trend_fraction
        moved = Reason(Code.PRICE_DATED, data)
        if trend and entry.dated[:7] != month:
            moved = Reason(Code.PRICE_MOVED, {**data, "month": month, "trend_fraction": trend})
        notes = (moved, origin.note) if origin.note else (moved,)
        yield _assumption(f"prices.{column.name}", entry.title, origin, column.line, f"{entry.price}{per}", notes)


def _rates(workings: Workings) -> Iterator[Assumption]:
    """The rates that stand on the hardware or the hall, with their sourcing."""
    prices = workings.inputs.prices
    for name, used in (("installation", "acquisition"), ("maintenance", "operation"), ("dense-premium", "building")):
        entry = prices.provenance.get(f"rates.{name}.rate")
        if entry is not None:
            yield _in_percent(_assumption(f"rates.{name}", prices.rates[name].title, entry, used))


def _throughput(workings: Workings, picks: Sequence[Pick]) -> Iterator[Assumption]:
    """What an hour of each GPU of the frontier is worth to each domain, in H100-hours, with its range; without a cap.

    Each GPU is listed once, in the order of the frontier, for every domain that counts in the budget.
    """
    seen = set[str]()
    for pick in picks:
        node = workings.inputs.catalogue.part(Node, pick.design.frame.node)
        work = workings.work_of_frame(pick.design.frame, 1.0)
        if node.accelerator in seen:
            continue
        seen.add(node.accelerator)
        gpu = short_name(workings, node.accelerator)
        for domain, ratio in work.h100_ratio.items():
            yield Assumption(
                name=f"throughput.{node.accelerator}.{domain}",
                title=Reason(Code.SPEED_IN_DOMAIN, {"gpu": gpu, "domain": domain}),
                value=f"{ratio:.2f}",
                range=f"{work.low_ratio[domain]:.2f} .. {work.high_ratio[domain]:.2f}",
                status="derived",
                source="",
                notes=(Reason(Code.SPEED_PREDICTED),),
                used_for="science",
            )


def short_name(workings: Workings, gpu: str) -> str:
    """What people call a GPU of the catalogue."""
    return workings.inputs.catalogue.part(Accelerator, gpu).short_title


def _site(workings: Workings) -> Iterator[Assumption]:
    """What is assumed of the halls.

    Only inputs of a site's file that are marked as assumed are listed; what is published of a site stays in its file.
    """
    for place in workings.inputs.places.values():
        for path, entry in place.site.provenance.items():
            if entry.status == "assumed":
                words = path.replace("_", " ").replace(".", ", ")
                title = Reason(f"site.{path}") if path in OF_SITE_FILE else Reason(Code.SITE_INPUT, {"path": words})
                name = f"{place.choice.site}.{path}"
                yield _assumption(name, title, entry, "energy", site_title=place.title)


def cited(workings: Workings, rows: Sequence[Assumption]) -> tuple[SourceNote, ...]:
    """The citations of some assumptions, each once, by their short names in order.

    rows   assumptions whose `source` is a short name of the catalogue; of any other, or of an empty one, nothing is cited
    """
    sources = workings.inputs.catalogue.sources
    return tuple(
        SourceNote(name, source.title, source.publisher, source.dated, source.address, source.grade)
        for name in sorted({row.source for row in rows if row.source in sources})
        if (source := sources[name])
    )


def paid_columns(workings: Workings, picks: Sequence[Pick]) -> list[tuple[CostColumn, bool]]:
    """Columns, and whether any of some machines pays for them; a price that stands in two lines is listed once.

    picks   with their quantities, which a search leaves out
    """
    paid = np.any([pick.entry.quantities_count[pick.row] > 0 for pick in picks], axis=0)
    by_name = dict[str, tuple[CostColumn, bool]]()
    for column, is_paid in zip(workings.prices.columns, paid.tolist(), strict=True):
        first, before = by_name.get(column.name, (column, False))
        by_name[column.name] = (first, before or is_paid)
    return list(by_name.values())


def status_of(workings: Workings, line: str) -> str:
    """How the prices of a line of cost are known: "assumed" if any of them is, else as the first of them says.

    line   of the ledger

    The status is "published" where nothing is known of a line's prices, which is so of the energy tax.
    """
    prices, given = workings.inputs.prices.provenance, workings.inputs.budget.provenance
    paths = [f"prices.{column.name}.price" for column in workings.prices.columns if column.line == line]
    known = [prices[path].status for path in [*paths, f"rates.{line}.rate"] if path in prices]
    if line in ("electricity", "programme"):
        known = [entry.status for path, entry in given.items() if path.rpartition(".")[2] == line]
    return "assumed" if "assumed" in known else known[0] if known else "published"


def factor_origin(workings: Workings, factor: str) -> tuple[str, Words, str, str]:
    """Kind, title, status and source of a factor that prices move by.

    factor   name of a price, a rate, the level of the deal, "programme" or "electricity";  kind is "price" or "rate"

    The source is the short name of a citation, empty where there is none.  Of the budget's own amounts and of electricity
    only the status is known here.
    """
    prices = workings.inputs.prices
    if factor == MARKET:
        return "price", Reason(Code.DEAL_LEVEL), "derived", ""
    if factor in prices.entries:
        kind, title, path = "price", prices.entries[factor].title, f"prices.{factor}.price"
    elif factor in prices.rates:
        kind, title, path = "rate", prices.rates[factor].title, f"rates.{factor}.rate"
    elif factor == "programme":
        return "price", Reason("input.programme"), status_of(workings, "programme"), ""
    else:
        return "price", Reason(Code.ELECTRICITY), status_of(workings, "electricity"), ""
    entry = prices.provenance.get(path)
    return kind, title, entry.status if entry else "published", entry.source if entry else ""
