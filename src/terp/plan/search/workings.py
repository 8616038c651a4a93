"""What the machines of a plan share, worked out once and kept: shapes, work, halls and ledgers of each frame.

Many designs differ in cap, spares or place alone; what depends on the frame only is worked out for the first of
them.  A `Workings` belongs to one plan and one process, and is not sent to another.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import ceil
from typing import Final

import numpy as np

from terp.arrays import Floats, Ints
from terp.catalogue import Accelerator, Node, constants
from terp.physics import level_fractions, listed_flop_per_s, mean_repair_s, products_under_cap, year_of_month
from terp.physics.benchmark.hpl import HplConstants
from terp.plan.machines.designs import Design
from terp.plan.machines.frames import Extras, Frame
from terp.plan.machines.node_counts import Shapes, built, rmax_of
from terp.plan.machines.yearly_work import NodeWork, jobs_on, largest_job, node_work
from terp.plan.money.ledger import Ledger
from terp.plan.planning_inputs import PlanningInputs
from terp.plan.search.price_table import PriceTable, price_table, quantities_of

MOST_COUNTS: Final = 3000
"""Numbers of nodes that are tried of a frame; if there are more, about so many, each the same share above the one before."""


class Workings:
    """The inputs of a plan, its prices, and a cache of what is worked out of them on the way.

    prices             of all machines of its frames
    largest_job_count  GPUs of the largest job of the workload

    `shapes_of`, `work_of_frame`, `jobs_of`, `ledger_of` and `counts_of` keep what they gave by their arguments.
    """

    def __init__(
        self, inputs: PlanningInputs, frames: Iterable[Frame], money_ratio: float = 1.0, prices: PriceTable | None = None
    ) -> None:
        """Of the frames of some designs.

        money_ratio   numbers of nodes go up to what so many times the money would pay
        prices        of these frames, where they are known already
        """
        self.inputs, self.frames = inputs, tuple(dict.fromkeys(frames))
        self.prices = prices or price_table(inputs, self.frames)
        self._money_eur = money_ratio * inputs.money_eur
        self.largest_job_count = largest_job(inputs)
        self.shapes_of = cache(self._shapes)
        self.work_of_frame = cache(self._work)
        self.jobs_of = cache(lambda frame: jobs_on(inputs, frame))
        self.ledger_of = cache(lambda years: Ledger(self.prices.columns, years))
        self.counts_of = cache(self._counts)
        self._rmax = cache(self._rmax_under)
        self._hardware = cache(self._hardware_quantities)

    def wider(self, money_ratio: float) -> Workings:
        """The same for so many times the money, at the same prices; numbers of nodes go up further.

        What does not depend on numbers of nodes, such as the work of a node, is shared with this one.
        """
        wide = Workings(self.inputs, self.frames, money_ratio, self.prices)
        wide.jobs_of, wide.work_of_frame = self.jobs_of, self.work_of_frame
        return wide

    def step_of(self, frame: Frame) -> int:
        """By how many nodes machines of a frame may differ: whole link domains, since racks such as NVL72 are sold whole; 1
        for others.
        """
        node = self.inputs.catalogue.part(Node, frame.node)
        return max(node.link_domain_count // node.accelerators_count, 1)

    def _counts(self, frame: Frame) -> Ints:
        """The numbers of nodes that are tried: up to what hall and money allow, the more of them the wider apart; shape
        (n,), rising.
        """
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
        tariff, record = self.prices.tariff, self.inputs.budget.record
        shapes = built(frame, counts, Extras(), self.inputs.catalogue)
        quoted = quantities_of(self.inputs, self.prices, shapes) @ tariff.prices_eur
        years = min(record.choices.operation_years or [record.operation_years_count])
        share = 1 + float(tariff.installation_fraction) + years * float(tariff.maintenance_fraction)
        return int(np.flatnonzero(quoted * level_fractions(quoted) * share <= self._money_eur).max(initial=0)) + 1

    def _most_by_power(self, node: Node) -> int:
        """Nodes that the largest place can feed under the lowest cap of their GPUs, and nothing else."""
        board_w = self.inputs.catalogue.part(Accelerator, node.accelerator).board_power_w
        off_w = (1 - min(self.inputs.budget.record.choices.gpu_caps)) * node.accelerators_count * board_w
        least_w = max(node.rated_power_w - off_w, 0.1 * node.rated_power_w)
        return ceil(max(place.choice.power_w for place in self.inputs.places.values()) / least_w)

    def _shapes(self, frame: Frame, all_flash: bool) -> Shapes:  # noqa: FBT001 - kept by its arguments
        """Machines of a frame with every number of nodes that is tried, and what the budget's floors put beside them."""
        nodes = self.counts_of(frame)
        extras = Design(frame, all_flash, "", 1.0, 0.0, 1, "").extras(self.inputs, nodes)
        return built(frame, nodes, extras, self.inputs.catalogue)

    def _hardware_quantities(self, frame: Frame, all_flash: bool) -> Floats:  # noqa: FBT001
        """Quantities of the columns that the bill makes, shape (counts, columns), at quoted prices."""
        return quantities_of(self.inputs, self.prices, self.shapes_of(frame, all_flash))

    def hardware_of(self, design: Design) -> Floats:
        """Quantities of the columns that a design's bill makes, at quoted prices, shape (n, columns); not to be changed."""
        return self._hardware(design.frame, design.all_flash)

    def rmax_of(self, design: Design) -> Floats:
        """Rmax of each number of nodes of a design, on all GPUs under its cap [flop/s]; shape (n,)."""
        return self._rmax(design.frame, design.gpu_cap_fraction)

    def _rmax_under(self, frame: Frame, cap_fraction: float) -> Floats:
        """Rmax of each number of nodes under a cap, of the GPUs' own limit as a share [flop/s]; shape (n,)."""
        machine = self.jobs_of(frame).machine
        speed = products_under_cap(machine, cap_fraction * machine.accelerator.board_power_w).speed_ratio
        year = constants(HplConstants).panel_year  # what is bought now runs software of later years
        return rmax_of(frame, self.counts_of(frame), self.inputs.catalogue, speed if cap_fraction < 1 else 1.0, year)[1]

    def _work(self, frame: Frame, cap_fraction: float) -> NodeWork:
        """The work of a node of a frame under a cap of its GPUs, of their own limit as a share."""
        return node_work(self.inputs, self.jobs_of(frame), cap_fraction)

    def lost_fraction(self, design: Design) -> float:
        """Share of the nodes in service that failures keep away, beyond the spares."""
        fleet = self.jobs_of(design.frame).machine.reliability
        down = fleet.node_failures_per_s * mean_repair_s(fleet)
        return max(down - design.spare_fraction, 0.0)

    def least_rmax(self, rank: int | None, month: str) -> float:
        """Rmax that a rank will take in a month [flop/s], by the growth of the list; 0 if no rank is asked for.

        rank   1 to 500, or None;  month   as "YYYY-MM"
        """
        return float(listed_flop_per_s(year_of_month(month))[0][rank - 1]) if rank is not None else 0.0
