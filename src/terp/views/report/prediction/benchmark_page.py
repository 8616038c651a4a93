"""A predicted benchmark as a page: the rate with its interval, where the time goes, the power, the rank in each list.

Sections that a benchmark has nothing for are left out: only HPL has ranks.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import terp
from terp.results.benchmark_results import BenchmarkResult, HpcgResult, HplResult
from terp.views.figures import run_charts
from terp.views.figures.svg import both
from terp.views.report.frame import Block, Cards, Heading, Page, Picture, Rows, Words
from terp.views.report.frame.amounts import NONE, count, percent, quantity
from terp.views.text.benchmark_text import PARTS, TITLES

_DAYS: Final = "of the run, before the cooling of the hall"


def benchmark_page(result: BenchmarkResult) -> Page:
    """The page of a predicted HPL, HPCG or HPL-MxP.

    result   of `terp.predict`, whose rate lies likely between `low` and `high` [flop/s]

    The run's time is in seconds and its power in watts, of the machine without its hall.
    """
    title = TITLES[result.benchmark]
    likely = f"{quantity(result.low, 'flop_per_s')} to {quantity(result.high, 'flop_per_s')} ({result.class_name})"
    return Page(
        title=f"{title} on {result.machine}",
        kicker=f"Terp {terp.__version__} · prediction",
        lead=(
            f"{quantity(result.value, 'flop_per_s', 4)} on {count(result.gpus_count)} GPUs; 9 of 10 sites submit {likely}; "
            f"a run of {quantity(result.run_s, 's')} at {quantity(result.power_w, 'w')}."
        ),
        blocks=[_cards(result), *_breakdown(result), *_ranks(result), *_caveats(result.sentences())],
    )


def _cards(result: BenchmarkResult) -> Cards:
    """The figures to take along.

    Energy and power are of the machine; what the hall adds is no part of a benchmark.

    HPCG has no order of a matrix.  Only HPL has an efficiency, which is over the FP64 peak of the matrix units, a rate per
    watt [Gflop/s], and the share of the GPUs' memory that its matrix takes: above 1 where the host's memory helps.
    """
    cards = [
        (quantity(result.value, "flop_per_s", 4), TITLES[result.benchmark]),
        (quantity(result.run_s, "s"), "the run takes"),
        (quantity(result.power_w, "w"), "mean power of the machine"),
        (quantity(result.energy_j, "j"), _DAYS),
    ]
    if not isinstance(result, HpcgResult):
        cards.append((count(result.n_count), "order of the matrix"))
    if isinstance(result, HplResult):
        cards += [
            (quantity(result.reach_flop_per_s, "flop_per_s", 4), "the machine can reach, as one site in ten tunes it"),
            (percent(result.submitted_fraction, 0), "of that is what the middle of sites submits"),
            (f"{quantity(result.power_low_w, 'w')} to {quantity(result.power_high_w, 'w')}", "9 of 10 submitted powers"),
            (percent(result.efficiency_fraction), "of the FP64 matrix peak"),
            (f"{result.flop_per_s_per_w / 1e9:.1f} Gflop/s", "a watt"),
            (percent(result.breakdown.gpu_memory_fraction, 0), "of the GPUs' memory holds the matrix"),
        ]
    return Cards(cards)


def _breakdown(result: BenchmarkResult) -> list[Block]:
    """Where the time goes; nothing where that is not modelled.

    Parts are in the order of the model, and add up to the run; parts that are none are left out.

    Shares are of the run's time, from 0 to 1; `benchmark_text.PARTS` has their words and their order.
    """
    shares = {name.removesuffix("_fraction"): share for name, share in asdict(result.breakdown).items()}
    drawn = [(PARTS[part], shares[part], None, f"bar-{index}") for index, part in enumerate(PARTS) if shares.get(part)]
    if not drawn:
        return []
    figure = both(lambda width: run_charts.shares(drawn, "Where the time goes", width=width))
    return [Heading("Where the time goes"), Picture("Shares of the run", figure)]


def _ranks(result: BenchmarkResult) -> list[Block]:
    """The rank in each edition of the TOP500 that is held.

    Editions that are held in part give an interpolated place, which says "about".

    Empty for what is not HPL.  Without a rank a machine is below the list; behind its rank stand the machines above and
    below it, with their Rmax.
    """
    if not isinstance(result, HplResult):
        return []
    rows = []
    for edition, rank in result.rank.items():
        near = result.neighbours[edition]
        beside = [
            f"{entry.name} ({quantity(entry.rmax_flop_per_s, 'flop_per_s')})" for entry in (near.above, near.below) if entry
        ]
        place = "below" if rank is None else f"{rank}" if near.exact else f"about {rank}"
        green = result.green_rank[edition]
        rows.append((edition, place, NONE if green is None else str(green), " and ".join(beside)))
    head = ("edition", "TOP500", "Green500", "between")
    note = "Green ranks are by the powers that the TOP500 prints; the Green500 often takes another run, tuned for it."
    return [Heading("Which rank"), Rows("Rank by edition", head, rows, frozenset({3})), Words(note, "note")]


def _caveats(sentences: object) -> list[Block]:
    """What is not known to be true of it; nothing where all is.

    sentences   what `result.sentences()` gives; anything but a list counts as none
    """
    some = [str(words) for words in sentences] if isinstance(sentences, list) else []
    return [Heading("What to mind"), *(Words(f"{words[:1].upper()}{words[1:]}.") for words in some)] if some else []
