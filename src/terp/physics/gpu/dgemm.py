"""How fast a GPU multiplies large FP64 matrices for minutes on end: at the clock that its power cap leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.errors import UnknownName
from terp.physics.gpu.architectures import architecture_of


@dataclass(frozen=True)
class DgemmConstants:
    """One H100 SXM in DGEMM of order 16,384: idle and dynamic power, the clock that it keeps, its multiprocessors."""

    PLACE: ClassVar[str] = "benchmarks.dgemm"
    idle_w: float
    dynamic_w: float
    clock_hz: float
    sms_count: int


def power_limited_clock_hz(accelerator: Accelerator) -> float:
    """The clock that a Hopper GPU keeps in DGEMM [Hz].  f = f0 ((P - P_idle) / (P_dyn SMs / 132))^(1/3), at most boost

    P    power cap of the board [W]; of a superchip, of GPU and host together, which idles in HPL
    f0   1.774 GHz, measured at P_dyn = 622 W above the idle 77 W of a 132-SM H100 (terp-h100)

    Dynamic power goes as f V^2, and voltage about as f near the cap, hence the cube.

    Holds for architectures whose DGEMM is `power_limited`; DGEMM of others has a fixed share of their peak.
    """
    measured = constants(DgemmConstants)
    dynamic_w = measured.dynamic_w * accelerator.sms_count / measured.sms_count
    clock_hz = measured.clock_hz * (max(accelerator.board_power_w - measured.idle_w, 1.0) / dynamic_w) ** (1 / 3)
    return float(min(clock_hz, accelerator.boost_clock_hz))


def dgemm_flop_per_s(accelerator: Accelerator) -> float:
    """Sustained DGEMM rate of one GPU [flop/s], within 3 % where measured, 10 % where fitted.  r = min(q p f/f0, P/e)

    q  share of the matrix peak p, at the clock under load f over the boost clock f0 where power limits that
    P  board power [W];  e  energy of a flop, where the architecture has one

    Raises UnknownName for a chip without FP64.
    """
    known, peak = architecture_of(accelerator), accelerator.fp64_matrix_flop_per_s
    if not peak:
        raise UnknownName(f"precision of {accelerator.title}", "fp64", accelerator.peak_flop_per_s)
    rate = known.dgemm_fraction * peak
    if known.power_limited:
        rate *= power_limited_clock_hz(accelerator) / accelerator.boost_clock_hz
    if known.fp64_energy_j_per_flop:
        rate = min(rate, accelerator.board_power_w / known.fp64_energy_j_per_flop)
    return rate
