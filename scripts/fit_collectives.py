"""Fits the constants of collectives to the fit rows of validation/collectives, and prints them.

python scripts/fit_collectives.py      (needs scipy: pip install 'terp[data]')

Fitted are three chips of one source, one of each architecture, on 2, 4 and 8 GPUs of a node; nothing across nodes.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from terp.catalogue import Accelerator, read_catalogue
from terp.physics.fabric import collectives
from terp.validate.chips.collective_grades import is_for_fitting, shipped_rows

NAMES = (
    "LINK_SHARE", "SWITCH_SHARE of Hopper", "SWITCH_SHARE of Blackwell", "OWN_COPY", "FILL", "START_S", "STEP_S",
    "SWITCH_START_S", "LATENCY of Ampere", "LATENCY of Blackwell",
)  # fmt: skip
START = np.array([0.84, 0.75, 0.64, 0.4, 0.4, 5e-6, 0.7e-6, 22e-6, 1.6, 1.6])


def put(values) -> None:
    """Puts the constants where the model finds them."""
    collectives.LINK_SHARE, hopper, blackwell, collectives.OWN_COPY, collectives.FILL = values[:5]
    collectives.START_S, collectives.STEP_S, collectives.SWITCH_START_S = values[5:8]
    collectives.SWITCH_SHARE.update(hopper=hopper, blackwell=blackwell)
    collectives.LATENCY.update(ampere=values[8], blackwell=values[9])


def main() -> None:
    rows = [row for row in shipped_rows()[0] if is_for_fitting(row)]
    groups = {}
    for row in rows:
        groups.setdefault((row.gpu, row.kind), []).append((row.size_bytes, row.ranks_count, row.time_s))
    columns = {key: np.array(found).T for key, found in groups.items()}
    chips = {gpu: read_catalogue().part(Accelerator, gpu) for gpu, _ in groups}

    def errors(values):
        put(values)
        found = []
        for (gpu, kind), (size, ranks, time_s) in columns.items():
            net = collectives.interconnect_between(chips[gpu], 8, 0.0)
            found.append(np.log(collectives.collective_s(net, kind, size, ranks, ranks) / time_s))
        return np.abs(np.concatenate(found))

    scaled = np.ones(len(START))
    for _ in range(4):
        scaled = minimize(
            lambda scale: np.mean(errors(scale * START)) if min(scale) > 0 else 1e3,
            scaled, method="Nelder-Mead", options={"maxiter": 8000, "maxfev": 8000},
        ).x  # fmt: skip
    left = errors(scaled * START)
    print(f"{len(rows)} rows, mean {left.mean():.4f}, median {np.median(left):.4f}")
    for name, value in zip(NAMES, scaled * START, strict=True):
        print(f"{name:28}{value:.4g}")


if __name__ == "__main__":
    main()
