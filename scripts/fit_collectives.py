"""Fits the constants of collectives to the fit rows of validation/collectives.

python scripts/fit_collectives.py [--write]      (needs scipy: pip install 'terp[data]')

Fitted are three chips of one source, one of each architecture, on 2, 4 and 8 GPUs of a node; nothing across nodes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fitting import Fitted, least, ranges, report

from terp.catalogue import Accelerator, constants, read_catalogue, with_constants
from terp.physics.fabric.collectives import CollectiveConstants, collective_s, interconnect_between
from terp.physics.gpu.architectures import Architectures
from terp.validate.chips.collective_grades import is_for_fitting, shipped_rows

FIELDS = ("link_fraction", "own_copy_ratio", "fill_fraction", "start_s", "step_s", "switch_start_s")
PATHS = (
    *(f"collectives.{name}" for name in ("link", "own_copy", "fill", "start", "step", "switch_start")),
    *(f"architectures.architectures.{name}" for name in ("hopper.switch", "blackwell.switch", "ampere.latency", "blackwell.latency")),
)  # fmt: skip
START = (0.84, 0.4, 0.4, 5e-6, 0.7e-6, 22e-6, 0.75, 0.64, 1.6, 1.6)


def changed(values) -> tuple[CollectiveConstants, Architectures]:
    """The records with these values, in the order of PATHS."""
    hopper, blackwell, late_ampere, late_blackwell = values[6:]
    table = constants(Architectures).changed("hopper", switch_fraction=hopper)
    table = table.changed("blackwell", switch_fraction=blackwell, latency_ratio=late_blackwell)
    return (
        replace(constants(CollectiveConstants), **dict(zip(FIELDS, values, strict=False))),
        table.changed("ampere", latency_ratio=late_ampere),
    )


def main() -> None:
    rows = [row for row in shipped_rows()[0] if is_for_fitting(row)]
    groups = {}
    for row in rows:
        groups.setdefault((row.gpu, row.kind), []).append((row.size_bytes, row.ranks_count, row.time_s))
    columns = {key: np.array(found).T for key, found in groups.items()}
    chips = {gpu: read_catalogue().part(Accelerator, gpu) for gpu, _ in groups}

    def loss(values) -> float:
        errors = []
        with with_constants(*changed(values)):
            for (gpu, kind), (size, ranks, time_s) in columns.items():
                net = interconnect_between(chips[gpu], 8, 0.0)
                errors.append(np.abs(np.log(collective_s(net, kind, size, ranks, ranks) / time_s)))
        return float(np.mean(np.concatenate(errors)))

    values, left = least(loss, START, rounds=4, per_value=800)
    ends = ranges(loss, values)
    fitted = [Fitted(path, value, *end) for path, value, end in zip(PATHS, values, ends, strict=True)]
    report(f"{len(rows)} rows, mean error {left:.4f}", fitted)


if __name__ == "__main__":
    main()
