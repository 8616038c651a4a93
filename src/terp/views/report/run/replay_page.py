"""A replayed trace as a page: what ran where, waits, use, energy, and what was refused or repaired.

A trace does not say what its jobs compute, so that there is nothing of domains or of work here; its energy is that of long
training on every node in use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import terp
from terp.results.replay_folder import Replay, ReplaySummary
from terp.units import HOUR_S
from terp.views.figures import run_charts
from terp.views.figures.svg import both
from terp.views.report.frame import Block, Cards, Fold, Heading, Page, Picture, Rows, Words
from terp.views.report.frame.amounts import count, euros, in_one_unit, percent, quantity
from terp.views.report.run.run_figures import waited

_CLASSES = (1, 2, 4, 8, 16, 64, 256, 1024)
"""Smallest sizes of the classes that waits are shown by."""


def replay_page(replay: Replay) -> Page:
    """The page of a replay.

    replay   a trace with its simulated starts and ends, and its figures

    Waits are of the jobs that started; use is counted until the last submission, and a card has it to the last end.
    """
    s = replay.summary
    return Page(
        title=f"{replay.source or 'A trace'} on {s.machine}",
        kicker=f"Terp {terp.__version__} · replay · policy {s.policy} · seed {s.seed}",
        lead=(
            f"{count(s.jobs_started_count)} of {count(s.jobs_count, 'job')} started on {count(s.nodes_count, 'node')} with "
            f"{count(s.gpus_count)} GPUs, under the policy {s.policy} by the {s.engine} engine. "
            f"{percent(s.jobs_waited_fraction)} of them waited, {quantity(s.mean_wait_s, 's')} in the mean; the machine was "
            f"{percent(s.utilisation_fraction)} in use until the last submission."
        ),
        blocks=[_cards(s), *_waits(replay), *_rest(s)],
    )


def _cards(s: ReplaySummary) -> Cards:
    """The figures to take along.

    s   figures as summary.json has them: times in seconds, energies in joules, money in euros

    Energy, its price and its carbon have cards only where a job ran, since there is none otherwise.
    """
    cards = [
        (quantity(s.mean_wait_s, "s"), f"mean wait; median {quantity(s.median_wait_s, 's')}"),
        (quantity(s.p95_wait_s, "s"), "within which 95 % of the jobs started"),
        (f"{s.mean_bounded_slowdown_ratio:.2f}", "mean slowdown, jobs under 10 s counting as 10 s"),
        (percent(s.utilisation_fraction), f"in use; {percent(s.utilisation_to_end_fraction)} to the last end"),
        *([(count(s.most_units_in_use_count), "nodes or GPUs in use at most")] if s.most_units_in_use_count else []),
        (quantity(float(s.makespan_s), "s"), "from the first submission to the last end"),
    ]
    if s.energy is not None:
        cards += [
            (quantity(s.energy.facility_energy_j, "j"), f"at the meter, PUE {s.energy.mean_pue:.3f}"),
            (euros(s.energy.electricity_cost_eur), f"of electricity; {s.energy.carbon_kg / 1000:,.1f} t of CO₂"),
        ]
    return Cards(cards)


def _waits(replay: Replay) -> list[Block]:
    """Waits by the size of a job: drawn, and as a table in hours.

    Sizes are in GPUs where the trace counts those, else in nodes; jobs that never started are in none.

    A wait is from submission to the simulated start; a start below 0 is that of a job that never did.  A job's size is the
    larger of its counts of GPUs and nodes.  A class reaches from its smallest size up to the next class, and has no row
    without a job.
    """
    trace = replay.trace
    started = np.asarray(trace.start_s) >= 0
    wait_s = (np.asarray(trace.start_s) - np.asarray(trace.submit_s))[started].astype(float)
    sizes = np.maximum(np.asarray(trace.gpus), np.asarray(trace.nodes))[started]
    unit = "GPUs" if (np.asarray(trace.gpus) > 0).any() else "nodes"
    rows: list[tuple[str, int, float, float, float]] = []
    for low, high in zip(_CLASSES, (*_CLASSES[1:], 10**9), strict=True):
        some = wait_s[(sizes >= low) & (sizes < high)]
        if some.size:
            name = f"{low:,}" if high == low + 1 else f"{low:,} and more" if high == 10**9 else f"{low:,} to {high - 1:,}"
            rows.append((name, some.size, float(np.median(some)), float(some.mean()), float(np.quantile(some, 0.95))))
    if not rows:
        return [Heading("How long jobs waited"), Words("No job started.")]
    drawn = [(f"{name} {unit}", *values) for name, _, *values in rows]
    legend = (("median", "median"), ("mean", "mean"), ("p95", "95th percentile"))
    figure = both(lambda width: run_charts.waits(drawn, waited, f"Wait by {unit} a job", "wait, logarithmic", width))  # type: ignore[arg-type]
    return [
        Heading("How long jobs waited"),
        Picture(f"By {unit} a job; waits under 10 s stand at the left edge", figure, legend),
        _table(rows, unit),
    ]


def _table(rows: Sequence[tuple[str, int, float, float, float]], unit: str) -> Rows:
    """Waits by size in hours.

    rows   size, jobs started, and median, mean and 95th percentile of their waits [s];  unit   what sizes count
    """
    _, shown = in_one_unit([value for row in rows for value in row[2:]], "s", 2, "h")
    cells = [(row[0], count(row[1]), *shown[3 * place : 3 * place + 3]) for place, row in enumerate(rows)]
    return Rows(
        f"Waits by {unit} a job", (f"{unit} a job", "jobs started", "median [h]", "mean [h]", "95 % within [h]"), cells
    )


def _rest(s: ReplaySummary) -> list[Block]:
    """Energy, what was refused, what was repaired, and what else the engine counted.

    What is empty has no table: a clean trace of which every job ran shows its counts alone.

    `refused` has the jobs by the reason why they could never start, `notes` the rows of the trace by what was repaired in
    them.
    """
    blocks: list[Block] = [Heading("What it rests on")]
    if s.energy is not None:
        blocks.append(
            Words(
                "Energy is of every job at the level of a long training, since a trace does not say what a job computes: "
                f"{quantity(s.energy.it_energy_j, 'j')} of the machine, at most {quantity(s.energy.peak_it_power_w, 'w')}. "
                f"The replay took {s.schedule_s:.2f} s for {count(s.makespan_s / HOUR_S)} hours of the machine."
            )
        )
    for title, entries in (("Jobs that could never start", s.refused), ("Rows that were repaired", s.notes)):
        if entries:
            rows = [(words, count(number)) for words, number in entries.items()]
            blocks.append(Rows(title, ("why", "rows"), rows))
    if s.counts:
        rows = [(name.replace("_count", "").replace("_", " "), count(number)) for name, number in s.counts.items()]
        blocks.append(Fold("What else the engine counted", [Rows("Counts", ("what", "count"), rows)]))
    return blocks
