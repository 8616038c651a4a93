"""A predicted training as a page: the step and what it is made of, memory, the run, and how it scales; or a search.

A prediction that was read from a file has no titles, and goes by the names of its machine and its model.  How it scales is
searched anew where both of them ship, since a kept prediction is of one number of GPUs alone.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import terp
from terp.errors import TerpError
from terp.results.training_results import FrontierEntry, SearchResult, TrainingResult
from terp.units import show
from terp.views.figures import run_charts
from terp.views.figures.forest import ForestRow, forest
from terp.views.figures.svg import both
from terp.views.report.frame import Block, Cards, Heading, Page, Picture, Rows, Words
from terp.views.report.frame.amounts import NONE, count, euros, in_one_unit, percent, quantity
from terp.views.text.training_text import PARTS, split_text

_HELD: Final = {
    "weights_bytes": "weights", "gradients_bytes": "gradients", "optimizer_bytes": "optimizer", "logits_bytes": "logits",
    "activations_bytes": "activations", "other_bytes": "everything else",
}  # fmt: skip
"""Part of the memory -> what it is."""
_LEAST: Final = 0.002
"""Parts that are smaller, as a share, are not drawn."""
_MOST_ROWS: Final = 24


def training_page(result: TrainingResult | SearchResult) -> Page:
    """The page of a predicted step, or of the frontier of a search.

    result   a step, with its whole run where a number of tokens was given, or a search

    The page of a step searches the best splits of other numbers of GPUs as well, see `_scaling`.
    """
    return _search_page(result) if isinstance(result, SearchResult) else _step_page(result)


def _step_page(result: TrainingResult) -> Page:
    """A step, its run and its scaling.

    The likely range is the one that nine of ten published steps of its class lie in.  Tokens a second are named where
    the model has tokens.
    """
    model, machine = result.model_title or result.model, result.machine_title or result.machine
    rate = f", {count(result.tokens_per_s)} tokens a second" if result.tokens_per_s else ""
    run = ""
    if result.run is not None:
        run = f" The whole run takes {quantity(result.run.run_s, 's')}, with failures and checkpoints."
    low, high = quantity(result.step_low_s, "s"), quantity(result.step_high_s, "s")
    return Page(
        title=f"{model} on {count(result.gpus_count)} GPUs of {machine}",
        kicker=f"Terp {terp.__version__} · prediction",
        lead=(
            f"A step of {count(result.global_batch_count)} samples takes {quantity(result.step_s, 's', 4)}, likely {low} to "
            f"{high} ({result.class_name}){rate}: {percent(result.mfu_fraction)} of the {result.strategy.precision} "
            f"peak.{run}"
        ),
        blocks=[_cards(result), *_time(result), *_memory(result), *_run(result), *_scaling(result), *_caveats(result)],
    )


def _cards(result: TrainingResult) -> Cards:
    """The figures to take along.

    Money stands only where it is known: electricity with a site, hire with a price of an hour.

    MFU is the model's own arithmetic over the dense peak of the precision; HFU counts what is recomputed too.  Powers are
    means over a step, and energies are of the machine without its hall.
    """
    cards = [
        (quantity(result.step_s, "s", 4), "a step"),
        (f"{count(result.tokens_per_s)}" if result.tokens_per_s else f"{result.samples_per_s:,.3g}",
         "tokens a second" if result.tokens_per_s else "samples a second"),
        (percent(result.mfu_fraction), f"MFU; {percent(result.hfu_fraction)} with what is recomputed"),
        (quantity(result.memory_bytes, "bytes"), "held by the fullest GPU"),
        (quantity(result.job_power_w, "w"), f"the job draws; {quantity(result.gpu_power_w, 'w')} a GPU"),
        (quantity(result.energy_j, "j"), "a step, before the hall"),
    ]  # fmt: skip
    kinds = ((result.cost_eur, "electricity of a step"), (result.hire_eur, "hire of a step"))
    cards += [(euros(value), words) for value, words in kinds if value is not None]
    return Cards(cards)


def _time(result: TrainingResult) -> list[Block]:
    """Where a step's time goes, the largest first, and how it is split.

    What does not hide behind other work counts; parts below a fifth of a percent are not drawn.

    Shares are of `step_s`, which the parts of the breakdown add up to.
    """
    parts = sorted(asdict(result.breakdown).items(), key=lambda item: -item[1])
    shares = [(PARTS[part], value / result.step_s) for part, value in parts if value > _LEAST * result.step_s]
    drawn = [(words, share, None, f"bar-{index % 6}") for index, (words, share) in enumerate(shares)]
    figure = both(lambda width: run_charts.shares(drawn, "Where a step's time goes", width=width))
    software = f"{result.software_title or result.software}"
    return [
        Heading("Where the time goes"),
        Picture(f"Shares of a step of {quantity(result.step_s, 's', 4)}", figure),
        Words(f"Split: {split_text(result.strategy)}. Software: {software}."),
    ]


def _memory(result: TrainingResult) -> list[Block]:
    """What the fullest GPU holds, part by part, over its capacity where that is known.

    A prediction that was read from a file does not know the GPU's memory: its parts are then shares of their sum.

    Parts are in bytes and in the order of the record; those that hold nothing are left out.
    """
    parts = {name: value for name, value in asdict(result.memory).items() if value}
    room = result.gpu_memory_bytes or result.memory_bytes
    drawn = [
        (_HELD.get(name, name), value / room, None, f"bar-{index % 6}") for index, (name, value) in enumerate(parts.items())
    ]
    figure = both(lambda width: run_charts.shares(drawn, "Memory of the fullest GPU", width=width))
    unit, shown = in_one_unit([*parts.values(), result.memory_bytes], "bytes")
    rows = [
        (_HELD.get(name, name), shown[index], percent(value / room)) for index, (name, value) in enumerate(parts.items())
    ]
    total = ("in all", shown[-1], percent(result.memory_bytes / room))
    of = "of a GPU's memory" if result.gpu_memory_bytes else "of what it holds"
    return [
        Heading("Memory"),
        Picture(f"Share {of}", figure),
        Rows("Memory of the fullest GPU", ("part", f"[{unit}]", of), [*rows, total], total=True),
    ]


def _run(result: TrainingResult) -> list[Block]:
    """The whole run; nothing where no number of tokens was given.

    Goodput is time without failures and checkpoints, over all of the run's time.

    Money stands only where it is known: electricity with a site, hire with a price of an hour, the share of the machine's
    price where its file has one.  A model without tokens counts samples in their place.
    """
    run = result.run
    if run is None:
        return []
    unit = "tokens" if result.sequence_tokens_count else "samples"
    rows = [
        ("steps", count(run.steps_count)),
        ("time", f"{quantity(run.run_s, 's')}, likely {quantity(run.run_low_s, 's')} to {quantity(run.run_high_s, 's')}"),
        ("of it good", percent(run.goodput_fraction)),
        ("failures to expect", f"{run.interruptions_count:.3g}"),
        ("energy", quantity(run.energy_j, "j")),
        *((words, euros(value)) for value, words in (
            (run.cost_eur, "electricity"), (run.hire_eur, "hire"), (run.capital_eur, "share of the machine's price"))
          if value is not None),
    ]  # fmt: skip
    return [Heading("The run"), Rows(f"A run on {run.tokens_count:,.0f} {unit}", ("what", "value"), rows, frozenset({1}))]


def _scaling(result: TrainingResult) -> list[Block]:
    """The same training on every number of nodes, with the best split of each, where machine and model can be read.

    The split is searched anew for every count, as whoever has more GPUs would; the batch stays as it is.

    So do the length of a sequence, the precision, the optimizer, the software, and whether only adapters are trained.  Where
    a search cannot be made, a sentence stands in its place.
    """
    try:
        search = terp.predict.search(
            result.machine, result.model, global_batch=result.global_batch_count, seq=result.sequence_tokens_count,
            precision=result.strategy.precision, optimizer=result.strategy.optimizer, software=result.software,
            adapters=result.strategy.adapters,
        )  # fmt: skip
    except TerpError:
        words = f"How it scales is not known here: {result.machine} or {result.model} is none that ships."
        return [Heading("How it scales"), Words(words, "note")]
    entries = sorted(search.frontier, key=lambda entry: entry.gpus_count)
    return [Heading("How it scales"), *_frontier(entries, "Best split on every number of nodes")]


def _frontier(entries: list[FrontierEntry], caption: str) -> list[Block]:
    """A row an entry, and its speed over that of the smallest, drawn beside what as many GPUs more would give.

    entries   in order of their GPUs; of very many, every second or third is shown

    Efficiency is over the smallest count that fits, whose own split may be a poor one: it can be above 100 %.

    caption   of the table

    efficiency = (step of the smallest / step) / (GPUs / GPUs of the smallest)
    """
    shown = entries if len(entries) <= _MOST_ROWS else entries[:: -(-len(entries) // _MOST_ROWS)]
    first = shown[0]
    drawn = []
    for entry in shown:
        ideal = entry.gpus_count / first.gpus_count
        speed = first.step_s / entry.step_s
        drawn.append(ForestRow(f"{entry.gpus_count:,} GPUs", speed / ideal, None, sure=True, note=percent(speed / ideal, 0)))
    figure = both(
        lambda width: forest(drawn, lambda value: percent(value, 0), "Efficiency of scaling", zero=False, width=width)
    )
    unit, steps = in_one_unit([entry.step_s for entry in shown], "s", 2, "s")
    energy_unit, energies = in_one_unit([entry.energy_j for entry in shown], "j")
    memory_unit, memories = in_one_unit([entry.memory_bytes for entry in shown], "bytes")
    rows = [
        (f"{entry.gpus_count:,}", f"{entry.nodes_count:,}", steps[index], percent(entry.mfu_fraction), memories[index],
         energies[index], NONE if entry.tokens_per_s is None else count(entry.tokens_per_s), split_text(entry.strategy))
        for index, entry in enumerate(shown)
    ]  # fmt: skip
    head = (
        "GPUs", "nodes", f"step [{unit}]", "MFU", f"memory a GPU [{memory_unit}]", f"energy a step [{energy_unit}]",
        "tokens a second", "split",
    )  # fmt: skip
    words = f"Efficiency: speed over that on {first.gpus_count:,} GPUs, over what as many times the GPUs would give"
    return [Picture(words, figure), Rows(caption, head, rows, frozenset({7}))]


def _search_page(result: SearchResult) -> Page:
    """The frontier of a search.

    The table is in order of GPUs, since a reader looks for a size; the best by what was asked leads.

    Titles are for people and no part of a kept document; without that of the model the page says "a training".
    """
    best, where = result.best, f" on {result.machine_title}" if result.machine_title else ""
    return Page(
        title=f"Splits of {result.model_title or 'a training'}{where}",
        kicker=f"Terp {terp.__version__} · prediction",
        lead=(
            f"Best by {result.by}: {count(best.gpus_count)} GPUs, a step of {show(best.step_s, 's', 4)}, "
            f"{percent(best.mfu_fraction)} MFU. {count(result.evaluated_count)} splits were evaluated, "
            f"{count(result.fitting_count)} fit the memory."
        ),
        blocks=[
            Heading("The frontier"),
            *_frontier(sorted(result.frontier, key=lambda entry: entry.gpus_count), "Best split on every number of nodes"),
            *_caveats(result),
        ],
    )


def _caveats(result: TrainingResult | SearchResult) -> list[Block]:
    """What is not known to be true of it; nothing where all is."""
    words = [str(sentence) for sentence in result.sentences()]
    return [Heading("What to mind"), *(Words(f"{entry[:1].upper()}{entry[1:]}.") for entry in words)] if words else []
