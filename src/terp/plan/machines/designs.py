"""Which machines could be bought at all: kinds that the catalogue prices, in time, at places that can hold them.

What can be told without any number of nodes is decided here, with the reason; all else is the search's.  So every kind of
machine is either searched or on the list of losers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np

from terp.arrays import Floats, Ints
from terp.catalogue import Accelerator, Node
from terp.plan.machines.frames import Extras, Frame, extras_for, frame_for, kits_for
from terp.plan.money.months import MONTH_S, later
from terp.plan.planning_inputs import CandidateSite, PlanningInputs
from terp.plan.reason_codes import Code, Reason
from terp.predict import work_is_measured

ACCEPTANCE_MONTHS: Final = 3
"""From delivery to the first jobs: assumed, 2 to 9.  Gefion opened six months after it was announced (gefion-press)."""


@dataclass(frozen=True)
class Design:
    """Everything of a machine but the number of its nodes.

    frame       node, kit and topology
    all_flash   no disks: the whole floor of storage on flash
    place       name of a candidate site
    gpu_cap_fraction   power that its GPUs may take over the makers' limit; 1: no cap
    spare_fraction     of the nodes that stand by
    years_count        of operation
    delivered   the first month in which it can be, "YYYY-MM"
    label       what its name says beside the rest, such as its years of operation where they are chosen
    """

    frame: Frame
    all_flash: bool
    place: str
    gpu_cap_fraction: float
    spare_fraction: float
    years_count: int
    delivered: str
    label: str = ""

    @property
    def first_science(self) -> str:
        """The month of the first jobs."""
        return later(self.delivered, ACCEPTANCE_MONTHS)

    def spare_nodes(self, nodes: int | Ints) -> Floats:
        """How many of so many nodes stand by, rounded up; the shape of `nodes`."""
        return np.asarray(np.ceil(self.spare_fraction * np.asarray(nodes) - 1e-9))

    def extras(self, inputs: PlanningInputs, nodes: Ints) -> Extras:
        """What stands beside so many nodes, by the floors of the budget."""
        must = inputs.budget.record.must
        return extras_for(
            nodes, Extras(), inputs.catalogue,
            usable_bytes=must.storage_bytes,
            flash_bytes=must.storage_bytes if self.all_flash else must.flash_bytes,
            european_fraction=must.european_nodes_fraction,
        )  # fmt: skip


@dataclass(frozen=True)
class Loser:
    """A kind of machine that is turned away before any number of nodes is looked at, and why.

    place, site_title   where it would stand; empty where no place was looked at
    """

    node: str
    label: str
    reason: Reason
    place: str = ""
    site_title: str = ""

    @property
    def name(self) -> str:
        """Such as `hgx-b300-liquid-groningen`, or the node alone where no place was looked at."""
        return f"{self.node}-{self.place}" if self.place else self.node

    @property
    def title(self) -> Reason:
        """What it is called."""
        if not self.place:
            return Reason(Code.NODE_KIND, {"node_label": self.label})
        return Reason(Code.MACHINE_KIND, {"node_label": self.label, "site_title": self.site_title})


def designs(inputs: PlanningInputs) -> tuple[list[Design], list[Loser]]:
    """All designs that a budget lets in, and what was turned away before any number was looked at.

    GPUs on which nobody measured any training are tried only where the budget names their nodes: a plan that rests on the
    rate of a memory would buy the data sheet that promises most.
    """
    wanted, losers = list[Design](), list[Loser]()
    record = inputs.budget.record
    for name in record.choices.nodes or sold(inputs):
        node = inputs.catalogue.part(Node, name)
        frames = list(_frames(inputs, name))
        if not frames:
            losers.append(Loser(name, node.short_title, Reason(Code.NO_NETWORK)))
            continue
        if not record.choices.nodes and not work_is_measured(node.accelerator):
            losers.append(Loser(name, node.short_title, Reason(Code.NEVER_MEASURED)))
            continue
        for place in inputs.places.values():
            delivered, reason = _delivery(inputs, name, place)
            reason = reason or _unfit(inputs, node, place)
            if reason:
                losers.append(Loser(name, node.short_title, reason, place.name, place.title))
                continue
            wanted += [design for frame in frames for design in _variants(inputs, frame, place, delivered)]
    return wanted, losers


def sold(inputs: PlanningInputs) -> list[str]:
    """The nodes that are tried where the budget names none: the first of each price that is still asked in its month."""
    nodes, month = inputs.catalogue.parts["nodes"], inputs.budget.record.prices_of
    priced = [entry for entry in inputs.prices.entries.values() if entry.of and entry.of[0] in nodes]
    return [entry.of[0] for entry in priced if not entry.sold_until or entry.sold_until >= month]


def _frames(inputs: PlanningInputs, node: str) -> Iterator[Frame]:
    """Fabrics of a node by rule; a taper of a rail-optimised tree is tried as of a plain one.

    Every kit that fits the node is tried with every topology and oversubscription that the budget lets choose.
    """
    choices = inputs.budget.record.choices
    for kit in kits_for(node, inputs.catalogue):
        for topology in choices.topologies:
            for ratio in choices.oversubscriptions:
                frame = frame_for(node, kit, topology, ratio, inputs.catalogue)
                if frame is not None:
                    yield frame


def _delivery(inputs: PlanningInputs, node: str, place: CandidateSite) -> tuple[str, Reason | None]:
    """The first month of delivery, and why there is none.

    The month is the latest of: when the budget wants it, when a maker delivers what is ordered in the month of the prices,
    when
    the node is first sold, and when the place is ready.  It is empty where there is a reason.
    """
    record, price = inputs.budget.record, inputs.prices.named(inputs.prices.of_part(node) or "")
    ordered = later(record.prices_of, ceil(price.lead_s / MONTH_S - 1e-9))
    until, ready = record.delivery.until_month, place.choice.ready or ""
    first = max(record.delivery.from_month, ordered, price.sold_from or "", ready)
    if ready > until:
        return "", Reason(Code.PLACE_TOO_LATE, {"ready": ready, "until": until})
    if price.sold_from and price.sold_from > until:
        return "", Reason(Code.SOLD_TOO_LATE, {"sold_from": price.sold_from, "until": until})
    if first > until:
        return "", Reason(Code.DELIVERED_TOO_LATE, {"first": first, "until": until})
    if price.sold_until and price.sold_until < first:
        return "", Reason(Code.NO_LONGER_SOLD, {"sold_until": price.sold_until, "first": first})
    return first, None


def _unfit(inputs: PlanningInputs, node: Node, place: CandidateSite) -> Reason | None:
    """Why a node cannot stand at a place, or may not at all.

    It may not where it is not cooled by liquid though the budget wants that, or where its GPUs have too little memory.
    """
    must = inputs.budget.record.must
    if must.liquid_cooling and node.cooling != "liquid":
        return Reason(Code.AIR_COOLED)
    if node.cooling == "liquid" and place.site.record.cooling.liquid is None:
        return Reason(Code.NO_WATER_LOOP)
    memory_bytes = inputs.catalogue.part(Accelerator, node.accelerator).memory_bytes
    if memory_bytes < must.gpu_memory_bytes:
        return Reason(Code.TOO_LITTLE_MEMORY, {"memory_bytes": memory_bytes, "limit_bytes": must.gpu_memory_bytes})
    return None


def _variants(inputs: PlanningInputs, frame: Frame, place: CandidateSite, delivered: str) -> Iterator[Design]:
    """Every combination of storage, cap, spares and years that the budget lets choose, of a frame at a place.

    All flash is tried only where the budget's floor for all storage is above the one for flash.
    """
    record = inputs.budget.record
    for all_flash in (False, True) if record.must.storage_bytes > record.must.flash_bytes else (False,):
        for cap in record.choices.gpu_caps:
            for spare in record.choices.spares:
                for years in record.choices.operation_years or [record.operation_years_count]:
                    label = f"{years}years" if record.choices.operation_years else ""
                    yield Design(frame, all_flash, place.name, cap, spare, years, delivered, label)
