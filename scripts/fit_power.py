"""Fits the patterns of nodes' power to the fit runs of validation/power, and prints them.

    python scripts/fit_power.py [KIND ...]

Once to the fit runs of all groups, and once for the harder split to those on 1 and 64 nodes only, where what more nodes change is
LoRA's on 64.  Minimised are the errors' logarithms, a group counting as one run: energy five times, percentiles of power once,
of steps half.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from terp.physics.power import job_power as node_power
from terp.validate.systems.power_grades import is_for_fitting, predicted, shipped_rows
from terp.validate.systems.power_rows import SWINGS

WEIGHTS = np.array([5.0, 1.0, 1.0, 1.0, 0.5, 0.5])
ONE = {
    "bert": ("computing_w", "setup_s", "wait_s"),
    "dlrm_dcnv2": ("computing_w", "idle_w"),
    "gpt3": ("computing_w", "first_more_s", "dip_every_s", "dip_s", "dip_fraction"),
    "llama2_70b_lora": ("computing_w", "setup_s", "wait_s", "first_more_s"),
    "resnet": ("computing_w", "setup_s", "dip_every_s", "dip_s", "dip_fraction"),
    "ssd": ("computing_w", "waiting_w", "wait_s"),
    "unet3d": ("computing_w", "burst_s", "setup_s"),
}
MANY = {
    "llama2_70b_lora": ("thinned_fraction",),
    "resnet": ("thinned_fraction",),
    "ssd": ("thinned_fraction", "divided_fraction"),
    "unet3d": ("thinned_fraction",),
}
SHARED = ("SETUP_W", "SETTLE_S", "SETTLE_MANY_S", "LOADING_S", "CLOSING_S")


def errors(row, pattern):
    found = predicted(row, {row.benchmark: pattern})
    told = np.array([found.energy_j, *found.level_ratios, found.step_p99_ratio, found.step_max_ratio])
    return np.log(told / np.array([row.energy_j, *(getattr(row, name) for name in SWINGS)]))


def loss(rows, pattern):
    groups = {}
    for row in rows:
        groups.setdefault(row.group, []).append(WEIGHTS @ np.abs(errors(row, pattern)))
    return float(np.mean([np.mean(found) for found in groups.values()]))


def searched(value, start, names):
    """Coordinate search: lengths by whole seconds, other numbers by a share that halves when nothing helps."""
    best, least, share = start, value(start), 0.1
    while share > 0.001:
        better = False
        for name in names:
            held = getattr(best, name)
            tries = (
                [held + step for step in (-4, -2, -1, 1, 2, 4)]
                if name.endswith("_s")
                else [held * (1 + share), held / (1 + share)]
            )
            for number in tries:
                if number < 0 or ("fraction" in name and number > 1):
                    continue
                trial = replace(best, **{name: number})
                found = value(trial)
                if found < least - 1e-9:
                    best, least, better = trial, found, True
        share = share if better else share / 2
    return best, least


def show(title, rows, pattern):
    print(f"{title}: {loss(rows, pattern):.4f}\n  {pattern}")
    for group in sorted({row.group for row in rows}):
        print(
            "   ", group, np.round(np.median([errors(row, pattern) for row in rows if row.group == group], 0), 3), flush=True
        )


def fit_shared(rows, patterns):
    """The constants that all patterns share, each by steps of a twentieth."""
    for name in SHARED:
        start = getattr(node_power, name)
        found = {}
        for percent in range(60, 145, 5):
            value = start * percent / 100 if isinstance(start, float) else round(start * percent / 100)
            setattr(node_power, name, value)
            found[value] = sum(loss([row for row in rows if row.benchmark == kind], patterns[kind]) for kind in patterns)
        best = min(found, key=found.get)
        setattr(node_power, name, best)
        print(f"{name} {best:.4g} ({start}): {found[start]:.4f} to {found[best]:.4f}")


def main() -> None:
    rows = [row for row in shipped_rows() if is_for_fitting(row)]
    kinds = sys.argv[1:] or list(ONE)
    patterns = {}
    for kind in kinds:
        mine = [row for row in rows if row.benchmark == kind]
        patterns[kind], _ = searched(
            lambda trial, mine=mine: loss(mine, trial), node_power.patterns()[kind], (*ONE[kind], *MANY.get(kind, ()))
        )
        show(kind, mine, patterns[kind])
        if kind in MANY:
            seen = [row for row in mine if row.nodes_count in (1, 64)]
            names = (*ONE[kind], *(MANY[kind] if kind == "llama2_70b_lora" else ()))
            hard, _ = searched(lambda trial, seen=seen: loss(seen, trial), node_power.patterns()[kind], names)
            show("  1 and 64 nodes", seen, hard)
    fit_shared(rows, patterns)


if __name__ == "__main__":
    main()
