"""Caveats of predictions in words, by code.  Each follows "mind that"."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "constant-assumed": "nothing of {subject} was measured on {architecture}: its values are assumed",
    "constant-from-sheet": "nothing of {subject} was measured on {architecture}: its values follow from the data sheet",
    "constant-of-another": "nothing of {subject} was measured on {architecture}: it takes the values of {taken_from}",
    "architecture-not-measured": "no training step was measured on {gpu}: its products take the shares of an H100",
    "host-not-modelled": "reading samples is taken to keep up: pre-processing on the host can bind, and is not modelled",
    "few-rows-of-precision": "in this precision few rows were there to fit to",
    "bars-missed": "bars that were set before the first run are missed: {bars}",
    "rows-left-out": "{rows_count} published rows are left out, as no case could be made of them",
    "mxp-is-a-share": "where the time goes is not modelled: the rate is a share of the FP16 peak",
}
"""Code of a caveat -> its sentence, with the names of its data in braces."""
