"""Caveats of predictions in words, by code.  Each follows "mind that"."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "constant-assumed": "nothing of {subject} was measured on {architecture}: its values are assumed",
    "constant-from-sheet": "nothing of {subject} was measured on {architecture}: its values follow from the data sheet",
    "constant-of-another": "nothing of {subject} was measured on {architecture}: it takes the values of {taken_from}",
    "architecture-not-measured": "no training step was measured on {gpu}: its products take the shares of an H100",
    "gpus-outside-fit": "constants were fitted on {low_count} to {high_count:,} GPUs",
    "hpl-not-fitted": "no constant was fitted on {architecture}: the interval is wider, and assumed",
    "host-not-modelled": "reading samples is taken to keep up: pre-processing on the host can bind, and is not modelled",
    "few-rows-of-precision": "in this precision few rows were there to fit to",
    "bars-missed": "bars that were set before the first run are missed: {bars}",
    "rows-left-out": "{rows_count} published rows are left out, as no case could be made of them",
    "little-fp64": "this GPU has little FP64: its power in HPL is overstated, and emulated FP64 is not modelled",
    "mxp-is-a-share": "where the time goes is not modelled: the rate is a share of the FP16 peak",
    "value-assumed": "{path} is assumed: {value}, of {range}",
}
"""Code of a caveat -> its sentence, with the names of its data in braces."""
