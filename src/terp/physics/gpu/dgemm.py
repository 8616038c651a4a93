"""How fast a GPU multiplies large FP64 matrices for minutes on end: at the clock that its power cap leaves."""

from __future__ import annotations

from typing import Final

from terp.catalogue import Accelerator

IDLE_W: Final = 77.0
DYNAMIC_W: Final = 622.0
CLOCK_HZ: Final = 1.774e9
RATE_AT_CLOCK: Final = 58.464 / (66.9 * 1.774 / 1.98)
"""One H100 SXM in DGEMM of order 16,384: idle and dynamic power, clock, and rate over the peak at that clock (terp-h100)."""

SHARE_OF_PEAK: Final = {
    "ampere": RATE_AT_CLOCK,
    "blackwell": RATE_AT_CLOCK,
    "cdna2": 0.509,
    "cdna3": 0.505,
    "cdna4": 0.8,
}
"""DGEMM over matrix peak where no clock under load was measured.  Ampere and Blackwell take H100's share at its clock: 19.5
and 37 Tflop/s do not reach their caps.  CDNA2 and CDNA3 are fitted with HPL (scripts/fit_hpl.py), so that they hold
rocHPL's own losses too; CDNA4, whose matrix units are no faster than its vectors, is assumed, 0.6 to 0.95."""


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
    peak = accelerator.fp64_matrix_flop_per_s
    if accelerator.architecture == "hopper":
        return RATE_AT_CLOCK * peak * power_limited_clock_hz(accelerator) / accelerator.boost_clock_hz
    return SHARE_OF_PEAK[accelerator.architecture] * peak
