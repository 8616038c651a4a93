"""How fast a GPU multiplies large FP64 matrices for minutes on end: at the clock that its power cap leaves."""

from __future__ import annotations

from typing import Final

from terp.catalogue import Accelerator
from terp.physics.gpu.architectures import architecture_of

IDLE_W: Final = 77.0
DYNAMIC_W: Final = 622.0
CLOCK_HZ: Final = 1.774e9
"""One H100 SXM in DGEMM of order 16,384: idle and dynamic power, and clock (terp-h100)."""


def power_limited_clock_hz(accelerator: Accelerator) -> float:
    """The clock that a Hopper GPU keeps in DGEMM [Hz].  f = f0 ((P - P_idle) / (P_dyn SMs / 132))^(1/3), at most boost

    P    power cap of the board [W]; of a superchip, of GPU and host together, which idles in HPL
    f0   1.774 GHz, measured at P_dyn = 622 W above the idle 77 W of a 132-SM H100 (terp-h100)

    Dynamic power goes as f V^2, and voltage about as f near the cap, hence the cube.
    """
    dynamic_w = DYNAMIC_W * accelerator.sms_count / 132
    clock_hz = CLOCK_HZ * (max(accelerator.board_power_w - IDLE_W, 1.0) / dynamic_w) ** (1 / 3)
    return float(min(clock_hz, accelerator.boost_clock_hz))


def dgemm_flop_per_s(accelerator: Accelerator) -> float:
    """Sustained DGEMM rate of one GPU [flop/s], within 3 % where it was measured, 10 % where it was fitted."""
    known, peak = architecture_of(accelerator), accelerator.fp64_matrix_flop_per_s
    if known.power_limited:
        return known.dgemm_fraction * peak * power_limited_clock_hz(accelerator) / accelerator.boost_clock_hz
    return known.dgemm_fraction * peak
