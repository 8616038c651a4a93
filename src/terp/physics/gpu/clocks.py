"""At which clock a GPU runs a mix of work under its power cap, and what it then draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from terp.catalogue import Accelerator
from terp.physics.gpu.architectures import architecture_of

BASE_W: Final = 97.0
J_PER_BYTE: Final = 139e-12
"""Power of an H100 at its boost clock that moves nothing, and energy of a byte of its memory: a line through a copy at
3.0 TB/s that draws 514 W and a decoding step at 2.36 TB/s that draws 425 W (terp-h100)."""
J_PER_FETCHED_BYTE: Final = 90e-12
"""Energy of a byte that tiles of convolutions, which are narrow, fetch from the cache: a U-Net's step at 466 W asks for 96,
a smaller one at 435 W for 88, a residual network's at 526 W for 110 (terp-h100)."""
PRECISION_SHARE: Final = {
    "bf16": 1.0,
    "fp16": 1.0,
    "fp8": 0.60,
    "fp8-block": 0.62,
    "fp4": 0.45,
    "tf32": 2.0,
    "fp32": 10.0,
    "fp64": 10.0,
}
"""Energy of a flop over one in BF16: FP8 from 1,219 Tflop/s at 1.26 GHz; FP4 assumed, 0.25 to 0.5."""
HOST_W: Final = 150.0
"""Half of a Grace, which a superchip's cap holds: assumed, 100 to 200 W."""
VOLTAGE_POWER: Final = 0.6
"""Energy of a flop goes as the clock to this power, as voltage rises with it."""

LOWEST_CLOCK: Final = 0.3
"""Over the clock of the peak: 0.55 GHz of an H100, whose idle clock is 0.345."""


@dataclass(frozen=True)
class Load:
    """A mix of work: time that follows the clock, at that of the peak; time that does not; flops in BF16; bytes of the
    memory, and bytes that the tiles of convolutions fetch from the cache; the share of a byte's energy that is spent on the
    chip, at a voltage that falls with the clock, which counts where caps are low.
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
    at_peak = chip.peak_flop_per_s["bf16"] / (chip.sms_count * architecture_of(chip).per_clock_flop)
    return max(chip.boost_clock_hz / at_peak, 1.0)


def cap_w(chip: Accelerator) -> float:
    """What the GPU alone may draw [W]: the board's cap, less the host's share in a superchip."""
    return chip.board_power_w - (HOST_W if chip.host_memory_bytes else 0.0)


def power_w(chip: Accelerator, load: Load, clock: float) -> float:
    """Mean power of a mix at a clock [W].  P = P0 + (e x^0.6 F + b B + c C) / T

    P0  with the cap;  x  clock over the peak's;  F, B, C  flops, bytes of the memory, bytes fetched from the cache;  T  time
    """
    moved = J_PER_BYTE * load.moved_bytes
    if load.on_chip_fraction:
        moved *= 1 - load.on_chip_fraction * (1 - (clock / highest_clock(chip)) ** VOLTAGE_POWER)
    energy_j: float = architecture_of(chip).flop_energy_j_per_flop * clock**VOLTAGE_POWER * load.flop + moved
    energy_j += J_PER_FETCHED_BYTE * load.fetched_bytes
    return BASE_W * cap_w(chip) / 700.0 + energy_j / load.time_s(clock)


def sustained_clock(chip: Accelerator, load: Load, most_w: float | None = None) -> float:
    """The highest clock at which a mix stays under a cap, the board's if none is given, over the clock of the peak.

    Not below LOWEST_CLOCK, where a mix may draw more than a low cap.
    """
    most_w = cap_w(chip) if most_w is None else most_w
    low, high = LOWEST_CLOCK, highest_clock(chip)
    if power_w(chip, load, high) <= most_w:
        return high
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if power_w(chip, load, middle) <= most_w else (low, middle)
    return low
