"""What all machines of a plan share: prices in columns; shapes, halls and work of each frame, worked out once and kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import ceil
from typing import Final

import numpy as np

from terp.arrays import Floats, Ints
from terp.catalogue import Accelerator, Node, Part
from terp.physics import (
    MARKET,
    level_fractions,
    level_spread,
    line_of,
    listed_flop_per_s,
    mean_repair_s,
    products_under_cap,
    quantity_of,
    unit_price,
)
from terp.plan.machines.designs import Design
from terp.plan.machines.frames import Extras, Frame
from terp.plan.machines.node_counts import Shapes, built, rmax_of
from terp.plan.machines.yearly_work import NodeWork, jobs_on, largest_job, node_work
from terp.plan.money.ledger import Column, Ledger, Tariff
from terp.plan.money.months import year_of
from terp.plan.planning_inputs import Inputs
from terp.statistics import NORMAL_P95
from terp.units import J_PER_KWH

SERVICES: Final[tuple[Column, ...]] = (
    Column("cdu", "cooling", "acquisition", hardware=True),
    Column("hall", "hall", "building", hardware=False),
    Column("grid-connection", "grid", "building", hardware=False),
    Column("fit-out", "fit-out", "building", hardware=False),
    Column("colocation", "rent", "operation", hardware=False),
    Column("staff", "staff", "operation", hardware=False),
    Column("software", "software", "operation", hardware=False),
)
"""What no bill of materials names."""
MOST_COUNTS: Final = 3000
"""Numbers of nodes that are tried of a frame; if there are more, about so many, each the same share above the one before."""
_EVERYTHING: Final = Extras(1, 1, 1)
DENSE: Final = "dense-premium"


class Setting:
    """The inputs of a plan, with what is worked out of them on the way.

    columns   all that costs money;  hardware  which of them are
    tariff    central prices
    ranges    low, central and high of every price and rate over its central value, by the name of its factor
    """

    def __init__(self, inputs: Inputs, frames: Iterable[Frame], money_ratio: float = 1.0) -> None:
        """Of the frames of some designs.

        money_ratio   numbers of nodes go up to what so many times the money would pay
        """
        self.inputs, self.frames = inputs, tuple(dict.fromkeys(frames))
        self._money_eur = money_ratio * inputs.money_eur
        record = inputs.budget.record
        self.programme_eur = inputs.prices.euros(record.programme, record.prices_of) if record.programme else 0.0
        contract = record.ceilings.machine_contract
        self.contract_limit_eur = inputs.prices.euros(contract, record.prices_of) if contract else None
        self.largest_job_count = largest_job(inputs)
        self.columns = self._columns()
        self.hardware = np.array([column.hardware for column in self.columns])
        self._at = {(column.name, column.line): place for place, column in enumerate(self.columns)}
        self.tariff, self.ranges = self._tariff()
        self.shapes_of = cache(self._shapes)
        self.work_of_frame = cache(self._work)
        self.jobs_of = cache(lambda frame: jobs_on(inputs, frame))
        self.ledger_of = cache(lambda years: Ledger(self.columns, years))
        self.counts_of = cache(self._counts)
        self._rmax = cache(self._rmax_under)
        self._hardware = cache(self._hardware_quantities)

    def wider(self, money_ratio: float) -> Setting:
        """The same for so many times the money, with the same columns."""
        found = Setting(self.inputs, self.frames, money_ratio)
        found.jobs_of, found.work_of_frame = self.jobs_of, self.work_of_frame
        return found

    def _columns(self) -> tuple[Column, ...]:
        """A column for each price and line of the parts of every frame's bill, then the services."""
        found = dict[Column, None]()
        for frame in self.frames:
            for where, part in built(frame, np.array([1]), _EVERYTHING, self.inputs.catalogue).bill:
                name = self.inputs.prices.of_part(part)
                if name is not None:
                    found[Column(name, line_of(where, self._part(part)), "acquisition", hardware=True)] = None
        power = [Column(f"electricity-{name}", "electricity", "operation", hardware=False) for name in self.inputs.places]
        return (*found, *SERVICES, *power)

    def _part(self, name: str) -> Part:
        return next(family[name] for family in self.inputs.catalogue.parts.values() if name in family)

    def _tariff(self) -> tuple[Tariff, dict[str, tuple[float, float, float]]]:
        """Central prices, and the ranges of all that is not known."""
        prices, month = self.inputs.prices, self.inputs.budget.record.prices_of
        central, ranges = [], dict[str, tuple[float, float, float]]()
        for column in self.columns:
            if column.line == "electricity":
                low, middle, high = self._electricity(column.name.removeprefix("electricity-"))
                central.append(middle)
                ranges.setdefault("electricity", (low / middle, 1.0, high / middle))
                continue
            one = unit_price(prices, column.name, month)
            premium = 1 + prices.rate_range(DENSE)[1] if column.name == "hall" else 1.0
            central.append(one.eur * premium)
            if one.eur > 0:
                ranges[column.name] = (one.low_eur / one.eur, 1.0, one.high_eur / one.eur)
        rates = {name: prices.rate_range(name) for name in ("installation", "maintenance")}
        ranges |= {name: (low / middle, 1.0, high / middle) for name, (low, middle, high) in rates.items()}
        ranges[MARKET] = (np.exp(-NORMAL_P95 * level_spread()), 1.0, np.exp(NORMAL_P95 * level_spread()))
        shares = (np.asarray(share) for share in (1.0, rates["installation"][1], rates["maintenance"][1], 1.0))
        return Tariff(np.array(central), *shares), ranges

    def _electricity(self, place: str) -> tuple[float, float, float]:
        """Low, central and high price of electricity at a place, without tax [EUR/kWh]."""
        price = self.inputs.places[place].choice.electricity_eur_per_j
        low, middle, high = self.inputs.range_of(f"sites.{place}.electricity", "eur_per_j", price)
        return low * J_PER_KWH, middle * J_PER_KWH, high * J_PER_KWH

    def step_of(self, frame: Frame) -> int:
        """By how many nodes machines of a frame may differ: whole link domains."""
        node = self.inputs.catalogue.part(Node, frame.node)
        return max(node.link_domain_count // node.accelerators_count, 1)

    def _counts(self, frame: Frame) -> Ints:
        """The numbers of nodes that are tried: up to what hall and money allow, the more of them the wider apart."""
        node, step = self.inputs.catalogue.part(Node, frame.node), self.step_of(frame)
        counts = np.arange(step, max(self._most_by_power(node), step) + 1, step)
        counts = counts[: max(self._payable(frame, counts), 1)]
        if counts.size <= MOST_COUNTS:
            return counts
        places = np.unique(np.rint(np.geomspace(1, counts.size, MOST_COUNTS)).astype(np.int64)) - 1
        return np.asarray(counts[places])

    def _payable(self, frame: Frame, counts: Ints) -> int:
        """How many of some numbers of nodes could be paid if nothing but the hardware and its maintenance cost anything."""
        if not np.isfinite(self._money_eur):
            return counts.size
        quoted = self._quantities_of(built(frame, counts, Extras(), self.inputs.catalogue)) @ self.tariff.prices_eur
        years = min(self.inputs.budget.record.choices.operation_years or [self.inputs.budget.record.operation_years_count])
        share = 1 + float(self.tariff.installation_fraction) + years * float(self.tariff.maintenance_fraction)
        return int(np.flatnonzero(quoted * level_fractions(quoted) * share <= self._money_eur).max(initial=0)) + 1

    def _most_by_power(self, node: Node) -> int:
        """Nodes that the largest place can feed under the lowest cap of their GPUs, and nothing else."""
        board_w = self.inputs.catalogue.part(Accelerator, node.accelerator).board_power_w
        off_w = (1 - min(self.inputs.budget.record.choices.gpu_caps)) * node.accelerators_count * board_w
        least_w = max(node.rated_power_w - off_w, 0.1 * node.rated_power_w)
        return ceil(max(place.choice.power_w for place in self.inputs.places.values()) / least_w)

    def _shapes(self, frame: Frame, all_flash: bool) -> Shapes:  # noqa: FBT001 - kept by its arguments
        nodes = self.counts_of(frame)
        return built(frame, nodes, self._extras(frame, nodes, all_flash), self.inputs.catalogue)

    def _extras(self, frame: Frame, nodes: Ints, all_flash: bool = False) -> Extras:  # noqa: FBT001, FBT002
        return Design(frame, all_flash, "", 1.0, 0.0, 1, "").extras(self.inputs, nodes)

    def _hardware_quantities(self, frame: Frame, all_flash: bool) -> Floats:  # noqa: FBT001
        """Quantities of the columns that the bill makes, shape (counts, columns), at quoted prices."""
        return self._quantities_of(self.shapes_of(frame, all_flash))

    def _quantities_of(self, shapes: Shapes) -> Floats:
        found = np.zeros((shapes.nodes_count.size, len(self.columns)))
        for (where, name), count in shapes.bill.items():
            price, part = self.inputs.prices.of_part(name), self._part(name)
            if price is not None:
                each = quantity_of(self.inputs.prices.entries[price], part) or 0.0
                found[:, self._at[price, line_of(where, part)]] += count * each
        return found

    def hardware_of(self, design: Design) -> Floats:
        """The same for a design."""
        return self._hardware(design.frame, design.all_flash)

    def index(self, name: str, line: str) -> int:
        """Where a column stands."""
        return self._at[name, line]

    def rmax_of(self, design: Design) -> Floats:
        """Rmax of each number of nodes [flop/s]."""
        return self._rmax(design.frame, design.gpu_cap_fraction)

    def _rmax_under(self, frame: Frame, cap_fraction: float) -> Floats:
        machine = self.jobs_of(frame).machine
        speed = products_under_cap(machine, cap_fraction * machine.accelerator.board_power_w).speed_ratio
        return rmax_of(frame, self.counts_of(frame), self.inputs.catalogue, speed if cap_fraction < 1 else 1.0)[1]

    @property
    def own_ranges(self) -> dict[str, tuple[float, float, float]]:
        """Ranges of the budget's own amounts over their central values: they are no prices, and not drawn."""
        if not self.programme_eur:
            return {}
        low, central, high = self.inputs.money_range("programme", self.inputs.budget.record.programme)
        return {"programme": (low / central, 1.0, high / central)}

    def _work(self, frame: Frame, cap_fraction: float) -> NodeWork:
        return node_work(self.inputs, self.jobs_of(frame), cap_fraction)

    def lost_fraction(self, design: Design) -> float:
        """Share of the nodes in service that failures keep away, beyond the spares."""
        fleet = self.jobs_of(design.frame).machine.reliability
        down = fleet.node_failures_per_s * mean_repair_s(fleet)
        return max(down - design.spare_fraction, 0.0)

    def least_rmax(self, rank: int | None, month: str) -> float:
        """Rmax that a rank will take in a month [flop/s]; 0 if none is asked for."""
        return float(listed_flop_per_s(year_of(month))[0][rank - 1]) if rank is not None else 0.0

    def unpriced_of(self, frame: Frame) -> tuple[str, ...]:
        """Parts of a frame's machines that the catalogue has no price of."""
        shapes = built(frame, np.array([1]), _EVERYTHING, self.inputs.catalogue)
        named = sorted({part for (_, part), count in shapes.bill.items() if count[0] and not self._has_price(part)})
        return tuple(named)

    def _has_price(self, part: str) -> bool:
        name = self.inputs.prices.of_part(part)
        return name is not None and quantity_of(self.inputs.prices.entries[name], self._part(part)) is not None
