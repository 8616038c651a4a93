"""Precisions: what an operand weighs, which peak of a chip its GEMM has, and what a flop of it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.errors import UnknownName


@dataclass(frozen=True)
class PrecisionConstants:
    """A precision.

    operand_bytes   of an operand, with its scales; results are written in 16 bits at least
    energy_ratio    energy of a flop over one in BF16
    issue_fraction  rate of a large GEMM in a step over the peak at its clock; None where no step is predicted in it
    peak            the peak that its GEMM has, by the name of data sheets, where that is another
    needs           a peak that a chip must have besides, such as FP4 for hardware that reads scales of blocks
    cast_bytes      to cast a value for a GEMM
    gathered_bytes  of a weight as it is gathered by software that gathers in the precision of its GEMM
    reduced         applies to large GEMM alone; all else stays in BF16
    """

    operand_bytes: float
    energy_ratio: float
    issue_fraction: float | None = None
    peak: str = ""
    needs: str = ""
    cast_bytes: float = 0.0
    gathered_bytes: float = 2.0
    reduced: bool = False


@dataclass(frozen=True)
class Precisions:
    """All precisions by name."""

    PLACE: ClassVar[str] = "precisions"
    precisions: Mapping[str, PrecisionConstants]


def precision_named(name: str) -> PrecisionConstants:
    """A precision by name.  Raises UnknownName.

    name   such as "bf16" or "fp8-block"
    """
    known = constants(Precisions).precisions
    if name not in known:
        raise UnknownName("precision", name, known)
    return known[name]


def precisions_of(accelerator: Accelerator, *, in_steps: bool = False) -> list[str]:
    """Precisions in which a chip has GEMM; with `in_steps` only those in which training steps are predicted."""
    peaks = accelerator.peak_flop_per_s
    return [
        name
        for name, one in constants(Precisions).precisions.items()
        if (one.peak or name) in peaks
        and (not one.needs or one.needs in peaks)
        and not (in_steps and one.issue_fraction is None)
    ]


def peak_flop_per_s(accelerator: Accelerator, precision: str) -> float:
    """The dense peak that GEMM of a precision has on a chip [flop/s].  Raises UnknownName where it has none.

    Without sparsity, as data sheets state it at the boost clock or near it.
    """
    name = precision_named(precision).peak or precision
    for known, peak in accelerator.peak_flop_per_s.items():
        if known == name:
            return peak
    raise UnknownName(f"precision of {accelerator.title}", precision, precisions_of(accelerator))


def half_precision(accelerator: Accelerator) -> str:
    """The precision of 16 bits in which a chip's matrix units are fastest: BF16, or FP16 on chips older than it.

    Models that are fitted in BF16 take the peak of this one.
    """
    return "bf16" if "bf16" in accelerator.peak_flop_per_s else "fp16"


def half_peak_flop_per_s(accelerator: Accelerator) -> float:
    """The dense peak in `half_precision` [flop/s].  Raises UnknownName for a chip without matrix units of 16 bits."""
    return peak_flop_per_s(accelerator, half_precision(accelerator))


def is_reduced(precision: str) -> bool:
    """True for a precision that applies to large GEMM alone, such as FP8.

    Small GEMM and attention of a step in such a precision run in BF16.
    """
    return precision_named(precision).reduced
