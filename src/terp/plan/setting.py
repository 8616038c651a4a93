"""What all machines of a plan share: prices in columns, shapes and work of each frame, worked out once and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from terp.catalogue import Node, Reliability, StorageAppliance
from terp.model import level_fraction, line_of, mean_repair_s, quantity_of, rank_in, unit_price
from terp.plan.designs import Design
from terp.plan.frames import Frame, Shapes, built, rmax_of
from terp.plan.inputs import Inputs
from terp.plan.ledger import Column, Ledger, Tariff
from terp.plan.months import year_of
from terp.plan.work import NodeWork, node_work

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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


@dataclass
class Setting:
    """The inputs of a plan with all that is worked out of them on the way."""

    inputs: Inputs
    frames: tuple[Frame, ...]
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False)
