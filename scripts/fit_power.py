"""Fits the patterns of nodes' power to the fit runs of validation/power.

    python scripts/fit_power.py [--write] [KIND ...]

Once to the fit runs of all groups, and once for the harder split to those on 1 and 64 nodes only, where what more nodes change is
LoRA's on 64.  Minimised are the errors' logarithms, a group counting as one run: energy five times, percentiles of power once,
of steps half.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
from fitting import Fitted, report

from terp.catalogue import constants, with_constants
from terp.physics.power.job_power import JobConstants, patterns
from terp.reader.fields import written_name
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
SHARED = ("setup_w", "settle_s", "settle_many_s", "loading_s", "closing_s")


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


def fit_shared(rows, known):
    """The constants that all patterns share, each by steps of a twentieth; the range is where the loss is 5 % more at most."""
    for name in SHARED:
        start, trials = getattr(constants(JobConstants), name), {}
        for percent in range(60, 145, 5):
            value = start * percent / 100 if isinstance(start, float) else round(start * percent / 100)
            with with_constants(replace(constants(JobConstants), **{name: value})):
                trials[value] = sum(loss([row for row in rows if row.benchmark == kind], known[kind]) for kind in known)
        best = min(trials, key=trials.get)
        near = [value for value, missed in trials.items() if missed <= 1.05 * trials[best]]
        fitted = Fitted(f"node_power.jobs.{written_name(name)}", best, min(near), max(near))
        report(f"{name}: {trials[start]:.4f} to {trials[best]:.4f}", [fitted])


def fitted_of(kind, names, pattern):
    """What was fitted of a pattern, by its place in the catalogue; the value alone, as patterns have no ranges of their own."""
    keys = {"dip_fraction": "dip_depth"}
    return [
        Fitted(
            f"node_power.jobs.patterns.value.{kind}.{keys.get(name, written_name(name))}", getattr(pattern, name), 0.0, 0.0
        )
        for name in names
    ]


def main() -> None:
    rows = [row for row in shipped_rows() if is_for_fitting(row)]
    kinds = [name for name in sys.argv[1:] if not name.startswith("--")] or list(ONE)
    known = {}
    for kind in kinds:
        mine = [row for row in rows if row.benchmark == kind]
        known[kind], _ = searched(
            lambda trial, mine=mine: loss(mine, trial), patterns()[kind], (*ONE[kind], *MANY.get(kind, ()))
        )
        show(kind, mine, known[kind])
        report(kind, fitted_of(kind, (*ONE[kind], *MANY.get(kind, ())), known[kind]))
        if kind in MANY:
            seen = [row for row in mine if row.nodes_count in (1, 64)]
            names = (*ONE[kind], *(MANY[kind] if kind == "llama2_70b_lora" else ()))
            hard, _ = searched(lambda trial, seen=seen: loss(seen, trial), patterns()[kind], names)
            show("  1 and 64 nodes", seen, hard)
    fit_shared(rows, known)


if __name__ == "__main__":
    main()
