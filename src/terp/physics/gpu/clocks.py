"""At which clock a GPU runs a mix of work under its power cap, and what it then draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.physics.gpu.architectures import architecture_of
from terp.physics.gpu.precisions import half_peak_flop_per_s


@dataclass(frozen=True)
class PowerConstants:
    """Power of a GPU, measured on an H100; other chips scale it by their caps.

    board_w          its cap;  base_w  at its boost clock, moving nothing;  idle_w  without work
    byte_energy_j_per_byte   of a byte of its memory;  fetch_energy_j_per_byte  of one that tiles of convolutions, which are
                     narrow, fetch from the cache
    host_w           half of a Grace, which a superchip's cap holds
    voltage_ratio    energy of a flop goes as the clock to this power, as voltage rises with it
    lowest_clock_ratio   over the clock of the peak
    waiting_fraction power of a GPU that waits for others or exchanges data, above its base, over one that computes
    """

    PLACE: ClassVar[str] = "node_power.gpu"
    board_w: float
    base_w: float
    idle_w: float
    byte_energy_j_per_byte: float
    fetch_energy_j_per_byte: float
    host_w: float
    voltage_ratio: float
    lowest_clock_ratio: float
    waiting_fraction: float


@dataclass(frozen=True)
class Load:
    """A mix of work: time that follows the clock, at that of the peak; time that does not; flops in BF16; bytes of the
    memory, and bytes that the tiles of convolutions fetch from the cache; the share of a byte's energy that is spent on the
    chip, at a voltage that falls with the clock, which counts where caps are low.

    Times are in seconds at the clock of the peak; any amount of work will do, since only the ratios count for power.
    """

    clocked_s: float
    other_s: float
    flop: float
    moved_bytes: float
    fetched_bytes: float = 0.0
    on_chip_fraction: float = 0.0

    def time_s(self, clock: float) -> float:
        """Time at a clock over that of the peak [s]."""
        return self.clocked_s / clock + self.other_s


def highest_clock(chip: Accelerator) -> float:
    """Boost clock over the clock that the BF16 peak is stated at."""
    at_peak = half_peak_flop_per_s(chip) / (chip.sms_count * architecture_of(chip).per_clock_flop)
    return max(chip.boost_clock_hz / at_peak, 1.0)


def cap_w(chip: Accelerator) -> float:
    """What the GPU alone may draw [W]: the board's cap, less the host's share in a superchip."""
    return chip.board_power_w - (constants(PowerConstants).host_w if chip.host_memory_bytes else 0.0)


def base_w(chip: Accelerator) -> float:
    """Power of a GPU at its boost clock that moves nothing [W]."""
    c = constants(PowerConstants)
    return c.base_w * cap_w(chip) / c.board_w


def idle_w(chip: Accelerator) -> float:
    """Power of a GPU without work [W]."""
    c = constants(PowerConstants)
    return c.idle_w * cap_w(chip) / c.board_w


def power_w(chip: Accelerator, load: Load, clock: float) -> float:
    """Mean power of a mix at a clock [W].  P = P0 + (e x^0.6 F + b B + c C) / T

    P0  with the cap;  x  clock over the peak's;  F, B, C  flops, bytes of the memory, bytes fetched from the cache;  T  time

    chip   the GPU;  load   the mix;  clock   over that of the peak
    """
    return _power_law(chip, load, highest_clock(chip))(clock)


def _power_law(chip: Accelerator, load: Load, highest: float) -> Callable[[float], float]:
    """Mean power of a mix by its clock [W], as `power_w` has it; what does not change with the clock is worked out once.

    highest   the chip's highest clock, which its voltage goes by
    """
    c, flop_energy = constants(PowerConstants), architecture_of(chip).flop_energy_j_per_flop
    at_rest_w = base_w(chip)

    def law(clock: float) -> float:
        moved = c.byte_energy_j_per_byte * load.moved_bytes
        if load.on_chip_fraction:
            moved *= 1 - load.on_chip_fraction * (1 - (clock / highest) ** c.voltage_ratio)
        energy_j: float = flop_energy * clock**c.voltage_ratio * load.flop + moved
        energy_j += c.fetch_energy_j_per_byte * load.fetched_bytes
        return at_rest_w + energy_j / load.time_s(clock)

    return law


def sustained_clock(chip: Accelerator, load: Load, most_w: float | None = None) -> float:
    """The highest clock at which a mix stays under a cap, the board's if none is given, over the clock of the peak.

    Not below the lowest clock, where a mix may draw more than a low cap.

    most_w   the cap of the GPU alone [W]

    Found by halving, to a part in a million of the range.
    """
    most_w = cap_w(chip) if most_w is None else most_w
    low, high = constants(PowerConstants).lowest_clock_ratio, highest_clock(chip)
    law = _power_law(chip, load, high)
    if law(high) <= most_w:
        return high
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if law(middle) <= most_w else (low, middle)
    return low
