"""A simulated run as a page: use, waits, who got what, power and its cost, failures, and where every number comes from.

The first screen answers; what follows shows how it came about, and what few read is folded at the end.  Sentences that
depend on what happened, such as on stops for other jobs, are left out where it did not.

`run_figures` draws and `run_tables` makes the tables; the sentences are here.  Figures are those of summary.json, in SI, and
what they are of is said by run.json, `run.origin`: titles, series, the status and source of each input, fingerprints.
"""

from __future__ import annotations

from collections.abc import Mapping

from terp.results import Run
from terp.results.run_summary import RunSummary
from terp.units import DAY_S, HOUR_S, number
from terp.views.report.frame import Block, Cards, Fold, Heading, Page, Picture, Words, as_page
from terp.views.report.frame.amounts import SPACE, count, euros, percent, quantity
from terp.views.report.frame.value_origins import source_fold, value_folds
from terp.views.report.run import run_figures, run_tables


def as_html(run: Run) -> str:
    """The page of a run, complete in itself.

    run   just simulated, or read from its folder
    """
    return as_page(run_page(run))


def run_page(run: Run) -> Page:
    """The page of a run, in its parts.

    Raises KeyError for a run whose origin lacks what the page says of it.
    """
    summary, origin = run.summary, run.origin
    span = span_of(summary.days)
    return Page(
        title=origin["title"],
        kicker=f"Terp {origin['version']} · simulated {span} · seed {summary.seed}",
        lead=_lead(run, span),
        blocks=[
            _cards(run),
            *_modelled(run),
            *_glance(run, span),
            *_waits(run),
            *_shares(run),
            *_power(run),
            *_failures(run),
            *_origins(run),
        ],
    )


def span_of(days: int) -> str:
    """What so many days are called: 365 and 366 are a year.

    >>> span_of(366)
    'year'
    """
    return "year" if days in (365, 366) else f"period of {count(days, 'day')}"


def _lost_fraction(summary: RunSummary) -> float:
    """GPU time that failures cost, over all there was.

    The GPU time that there was is all GPUs over all days, whether they were in use or not.
    lost GPU seconds / (GPUs x days x 86,400 s)
    """
    return summary.lost_gpu_s / (summary.gpus_count * summary.days * DAY_S)


def _tonnes(mass_kg: float) -> str:
    """A mass in tonnes.

    mass_kg   shown to three digits
    """
    return f"{number(mass_kg / 1000)}{SPACE}t"


def _million(value: float) -> str:
    """A large count in words.

    value   as it is; from a million up it is shown to three digits
    """
    return f"{number(value / 1e6)}{SPACE}million" if value >= 1e6 else count(value)


def _lead(run: Run, span: str) -> str:
    """What happened, in five sentences.

    span   what so many days are called, from `span_of`

    What is said of large jobs is of the last class of sizes, and left out where it has no job; so are stops for other jobs
    where there were none.
    """
    s, largest = run.summary, run.summary.sizes[-1]
    half = "no time at all" if s.median_wait_s == 0 else f"at most {quantity(s.median_wait_s, 's')}"
    large = ""
    if largest.jobs_count:
        wait = quantity(largest.median_wait_s, "s")
        large = f"; half of those of {largest.lowest_gpus_count:,} GPUs and more waited over {wait}"
    stops = f" and {count(s.preemptions_count, 'stop')} for other jobs" if s.preemptions_count else ""
    return (
        f"In this simulated {span} the {count(s.gpus_count)} GPUs in {count(s.nodes_count)} nodes at "
        f"{run.origin['site_title']} ran {count(s.jobs_started_count)} jobs for a country. They were in use "
        f"{percent(s.gpu_utilisation_fraction)} of the time. Half of all jobs waited {half}{large}. It took "
        f"{quantity(s.facility_energy_j, 'j')} at the meter, for {euros(s.electricity_cost_eur)} of electricity and "
        f"{_tonnes(s.carbon_kg)} of CO₂. {count(s.node_failures_count, 'node failure')}{stops} interrupted "
        f"{count(s.jobs_interrupted_count, 'job')} and cost {percent(_lost_fraction(s), 2)} of the GPU time there was."
    )


def _cards(run: Run) -> Cards:
    """The figures to take along.

    GPU hours delivered are the share of time in use, times all GPUs, times the hours of the run.  Tax, network, water and
    reused heat are named only where there are any; a litre of water is taken as a kilogram.
    """
    s, modelled = run.summary, run.origin["series"]["carbon"]["synthetic"]
    delivered = s.gpu_utilisation_fraction * s.gpus_count * s.days * 24
    levies = {"energy_tax_eur": "of it tax", "network_charge_eur": "for the network"}
    levied = "".join(f", {euros(getattr(s, key))} {words}" for key, words in levies.items() if getattr(s, key))
    stops = f", {count(s.preemptions_count)} stops for other jobs" if s.preemptions_count else ""
    cards = [
        (percent(s.gpu_utilisation_fraction), f"of GPU time used; {percent(s.offered_load_fraction)} asked for"),
        (_million(delivered), "GPU hours delivered"),
        (quantity(s.mean_wait_s, "s"), f"mean wait; 95{SPACE}% within {quantity(s.p95_wait_s, 's')}"),
        (count(s.jobs_submitted_count), f"jobs submitted, {count(s.jobs_waiting_count)} waiting at the end"),
        (quantity(s.mean_it_power_w, "w"), f"mean power of the machine; PUE {s.mean_pue:.3f}"),
        (euros(s.electricity_cost_eur), f"of electricity{levied}"),
        (_tonnes(s.carbon_kg), f"CO₂ of the electricity{', modelled' if modelled else ''}"),
    ]
    if s.water_kg:
        rate = number(s.mean_wue_kg_per_j * 3.6e6, 2)
        cards.append((f"{number(s.water_kg / 1000)}{SPACE}m³", f"of water for cooling; {rate} l a kWh of the machine"))
    if s.reused_heat_j:
        share = percent(s.energy_reuse_fraction)
        cards.append((quantity(s.reused_heat_j, "j"), f"of heat handed on; {share} of the energy at the meter"))
    lost = percent(_lost_fraction(s), 2)
    cards.append((count(s.node_failures_count), f"node failures{stops}; {lost} of GPU time lost"))
    return Cards(cards)


def _modelled(run: Run) -> list[Block]:
    """Which hours are modelled; nothing where all are observed.

    `synthetic` of a series in run.json says so; the note of the site's file stands behind them.
    """
    synthetic = [entry["title"] for entry in run.origin["series"].values() if entry["synthetic"]]
    note = run.origin["note"]
    if not synthetic:
        return []
    more = f" {note[:1].upper()}{note[1:]}." if note else ""
    return [Words(f"Modelled and not observed, hour by hour: {'; '.join(synthetic)}.{more}", "note")]


def _glance(run: Run, span: str) -> list[Block]:
    """Use and queue by day, and how jobs ended.

    span   what so many days are called, from `span_of`

    Jobs are counted by what had become of them at the end of the run; those that reached their time limit are among the
    failed.
    """
    s = run.summary
    ends = (
        f"Of the jobs submitted, {count(s.jobs_completed_count)} completed, {count(s.jobs_cancelled_count)} were "
        f"cancelled by their users and {count(s.jobs_failed_count)} failed, {count(s.jobs_timeout_count)} of these at "
        f"their time limit; {count(s.jobs_running_count)} were running and {count(s.jobs_waiting_count)} waiting at the "
        "end. Jobs fail and are cancelled as often as on the clusters that they are drawn from: there, two in five end "
        "in an error, and long trainings mostly end when someone stops them."
    )
    return [
        Heading(f"The {span} at a glance"),
        Picture("GPUs in use, mean of each day", run_figures.use(run)),
        Picture(
            "GPUs that waiting jobs ask for, as a multiple of all GPUs there are, mean of each day", run_figures.queue(run)
        ),
        Words(ends, "note"),
    ]


def _waits(run: Run) -> list[Block]:
    """Waits by size of job, and by domain where domains differ.

    Where no field's mean is half as large again as another's, a sentence stands in place of the figure of fields.

    A wait is from submission to the first start, of jobs that started.
    """
    legend = (("median", "median"), ("mean", "mean"), ("p95", "95th percentile"))
    s, titles = run.summary, run.origin["titles"]["domains"]
    means = [entry.mean_wait_s for entry in s.domains.values()]
    blocks: list[Block] = [
        Heading("How long jobs waited"),
        Picture("By GPUs a job; waits under 10 s stand at the left edge", run_figures.waits_by_size(run), legend),
        run_tables.sizes(s),
    ]
    if len(means) > 1 and max(means) > 1.5 * max(min(means), 1.0):
        blocks.append(Picture("By field of science and work", run_figures.waits_by_domain(run), legend))
    elif len(means) > 1:
        shortest, longest = min(means), max(means)
        names = [titles[name] for name, entry in s.domains.items() if entry.mean_wait_s in (shortest, longest)]
        blocks.append(
            Words(
                f"All fields waited about as long: {quantity(shortest, 's')} to {quantity(longest, 's')} in the mean "
                f"({' and '.join(names)}). The queue looks at the size and the group of a job, not at its field.",
                "note",
            )
        )
    return blocks


def _shares(run: Run) -> list[Block]:
    """What each domain and each group got.

    A row has GPU time, jobs, wait, energy, money and CO2 of a domain or a group; groups have what they are entitled to as
    well.  What no job drew is no row and stands in the words, from `summary.unattributed`.
    """
    s, titles, rest = run.summary, run.origin["titles"], run.summary.unattributed
    over = s.gpu_utilisation_fraction > s.offered_load_fraction
    more = " Use exceeds what was asked for by the work that failures made necessary again." if over else ""
    return [
        Heading("Who got what"),
        Picture("GPU time by field of science and work", run_figures.domains(run)),
        run_tables.got("By field of science and work", "field", s.domains, titles["domains"]),
        Picture("GPU time by group of users", run_figures.groups(run), (("line", "what the group is entitled to"),)),
        run_tables.got("By group of users", "group", s.groups, titles["groups"]),
        Words(
            "Each group asks for about what it is entitled to: the workload draws it so. What differs is what queues "
            f"and failures leave of it.{more} Energy, money and CO₂ are at the meter: a job carries its own power, the "
            "idle power of the GPUs it holds, and its share of cooling and losses in each hour. One year is one draw of "
            "jobs: a field whose campaigns fell into dear months pays more, by chance. Idle GPUs, network, storage and "
            f"management are not any job's: {quantity(rest.energy_j, 'j')}, {euros(rest.cost_eur)} and "
            f"{_tonnes(rest.carbon_kg)} of the totals.",
            "note",
        ),
    ]


def _power(run: Run) -> list[Block]:
    """Power and PUE by day, and energy, price and carbon by month.

    A day's PUE is its energy at the meter over that of the machine, and so is a month's.
    """
    return [
        Heading("Power, and what it costs"),
        Picture("Mean of each day", run_figures.power(run), (("a", "machine"), ("c", "cooling and losses"))),
        Picture("PUE, mean of each day, from hourly wet-bulb weather", run_figures.pue(run)),
        run_tables.months(run),
    ]


def _failures(run: Run) -> list[Block]:
    """Failures of nodes and what they cost.

    The loss is `lost_gpu_s`, in GPU hours and as a share of all the GPU time there was; nodes down are drawn as means of a
    day.
    """
    s = run.summary
    stops = f" and {count(s.preemptions_count, 'stop')} of jobs for others" if s.preemptions_count else ""
    return [
        Heading("Failures, and what they cost"),
        Picture("Nodes down, mean of each day", run_figures.down(run)),
        Words(
            f"There were {count(s.node_failures_count, 'node failure')}{stops}, and "
            f"{count(s.jobs_interrupted_count, 'job')} had to be queued again. The work since their last checkpoint and "
            f"the time to set up anew come to {count(s.lost_gpu_s / HOUR_S)} GPU hours, {percent(_lost_fraction(s), 2)} "
            "of what the machine has."
        ),
    ]


def _origins(run: Run) -> list[Block]:
    """Where the numbers come from: mostly folded, since few read it and nobody should miss it.

    The workload, the kinds of job, the series, what is assumed, what has a source, the sources, the fingerprints.

    Paths that begin with the name of the machine, the site or the workload are grouped under its title.  Kinds of job have a
    fold only where the summary has some.
    """
    s, origin = run.summary, run.origin
    statuses = ", ".join(f"{number} {status}" for status, number in origin["statuses"].items())
    short = " (a short run holds few long jobs and meets fewer)" if s.days < 180 else ""
    titles: Mapping[str, str] = {
        origin["machine"]: f"The machine: {origin['title']}",
        origin["site"]: f"The site: {origin['site_title']}",
        origin["workload"]: f"The workload: {origin['workload']}",
    }
    blocks: list[Block] = [
        Heading("Where every number comes from"),
        Words(
            f"{statuses} values went into this run, beside the job statistics, of which the drawn jobs meet "
            f"{s.published_figures_met_count} of {s.published_figures_count} printed shares and quantiles within "
            f"10{SPACE}% or one percentage point{short}. What is assumed is ours, with a range within which it may lie. "
            "Simplified here: a job's power is constant while it runs, and users do not react to the queue."
        ),
    ]
    if getattr(s, "kinds", None):
        blocks.append(Fold("Work and power of the kinds of job", run_tables.kinds(run)))
    blocks.append(Fold("Hourly series of prices, carbon and weather", [run_tables.series(origin["series"])]))
    blocks += value_folds(list(origin["provenance"].values()), titles)
    blocks += source_fold(origin["sources"])
    blocks.append(Fold("Fingerprints of all inputs", [run_tables.fingerprints(origin), Words(_same_again(run), "note")]))
    return blocks


def _same_again(run: Run) -> str:
    """What makes the same run again."""
    s, origin = run.summary, run.origin
    return (
        f"The same fingerprints, {s.days} days, seed {s.seed} and version {origin['version']} give the same tables to the "
        f"byte. Policy: {s.policy}."
    )
