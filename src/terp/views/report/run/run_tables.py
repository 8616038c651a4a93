"""The tables of a run's page; every column has one unit, which its head names.

Figures come from the run's summary and from `run_days`, in SI; here they are rounded, and one unit is chosen for a column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from terp.results import Run
from terp.results.run_summary import RunSummary, ShareOfTime
from terp.units import HOUR_S
from terp.views.figures.run_days import by_month
from terp.views.report.frame import Block, Rows, Words
from terp.views.report.frame.amounts import SPACE, count, in_one_unit, percent


def got(caption: str, what: str, entries: Mapping[str, ShareOfTime], titles: Mapping[str, str]) -> Rows:
    """What each domain or group got, a row each.

    what   a domain or a group, as the head calls it;  titles   key -> what people call it

    caption   over the table;  entries   key -> what it got, in the summary's order

    Waits are in hours, GPU time in GPU hours, money in euros and carbon in tonnes; energy, money and carbon are at the
    meter.  The column of entitlements is there only where the entries have them, as groups do.
    """
    some = list(entries.values())
    wait_unit, waits = in_one_unit([entry.mean_wait_s for entry in some], "s", 2, "h")
    energy_unit, energies = in_one_unit([entry.energy_j for entry in some], "j")
    entitled = any(hasattr(entry, "entitlement_fraction") for entry in some)
    rows = []
    for place, (name, entry) in enumerate(entries.items()):
        share = [percent(getattr(entry, "entitlement_fraction", None))] if entitled else []
        rows.append([
            titles[name], count(entry.gpu_s / HOUR_S), percent(entry.gpu_time_fraction), *share, count(entry.jobs_count),
            waits[place], energies[place], count(entry.cost_eur), f"{entry.carbon_kg / 1000:,.0f}",
            count(entry.lost_gpu_s / HOUR_S),
        ])  # fmt: skip
    head = (
        what, "GPU hours", "share", *(["entitled to"] if entitled else []), "jobs", f"mean wait [{wait_unit}]",
        f"energy [{energy_unit}]", "electricity [EUR]", "CO₂ [t]", "GPU hours lost to failures",
    )  # fmt: skip
    return Rows(caption, head, rows)


def sizes(summary: RunSummary) -> Rows:
    """Jobs, GPU time and waits by size of job, waits in one unit.

    Waits are in hours, since half of the jobs wait for minutes and some for weeks.

    A class without a job has no row; "95 % within" is the 95th percentile of its waits.
    """
    some = [entry for entry in summary.sizes if entry.jobs_count]
    values = [(entry.median_wait_s, entry.mean_wait_s, entry.p95_wait_s) for entry in some]
    unit, shown = in_one_unit([wait for row in values for wait in row], "s", 2, "h")
    rows = []
    for place, entry in enumerate(some):
        low, high = entry.lowest_gpus_count, entry.highest_gpus_count
        size = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        jobs = (count(entry.jobs_count), count(entry.gpu_s / HOUR_S))
        rows.append((size, *jobs, *shown[3 * place : 3 * place + 3]))
    head = (
        "GPUs a job",
        "jobs",
        "GPU hours",
        *(f"{name} [{unit}]" for name in ("median wait", "mean", f"95{SPACE}% within")),
    )
    return Rows("Jobs and waits by size", head, rows)


def months(run: Run) -> Rows:
    """Energy, price and carbon month by month, and in all.

    Energies at the meter; the price is the mean over the hours of the month, whether energy was drawn in them or not.

    The last row has the year's energy, PUE, money and carbon, and neither a price nor a temperature.
    """
    s, some = run.summary, by_month(run)
    unit, energies = in_one_unit([*(month.facility_energy_j for month in some), s.facility_energy_j], "j", 2)
    rows = [
        (
            month.name, energies[place], f"{month.pue_ratio:.3f}", f"{month.mean_wet_bulb_celsius:.1f}",
            f"{month.mean_price_eur_per_mwh:.1f}", count(month.cost_eur), f"{month.carbon_kg / 1000:,.0f}",
        )
        for place, month in enumerate(some)
    ]  # fmt: skip
    total = (
        "in all",
        energies[-1],
        f"{s.mean_pue:.3f}",
        "",
        "",
        count(s.electricity_cost_eur),
        f"{s.carbon_kg / 1000:,.0f}",
    )
    head = ("month", f"energy [{unit}]", "PUE", "wet bulb [°C]", "mean price [EUR/MWh]", "electricity [EUR]", "CO₂ [t]")
    return Rows("Energy at the meter by month", head, [*rows, total], total=True)


def kinds(run: Run) -> Sequence[Block]:
    """Work and power of the kinds of job, under what the numbers mean.

    Speeds are over the GPUs that a kind's jobs were published on; powers of a whole node, without its fans.

    A kind has its speed by profile of published jobs; equal ones are written once.
    """
    s, titles = run.summary, run.origin["titles"]["jobs"]
    work = s.work_gpu_s / HOUR_S
    unit, powers = in_one_unit([kind.node_power_w for kind in s.kinds], "w")
    rows = []
    for place, kind in enumerate(s.kinds):
        ratios = ", ".join(dict.fromkeys(f"{ratio:.2f}" for ratio in kind.speed_ratio.values()))
        name = titles[kind.domain][kind.job]
        hours = count(kind.gpu_s / HOUR_S)
        rows.append((name, kind.model or "", hours, ratios, kind.speed_from, powers[place], kind.node_power_from))
    head = (
        "kind of job", "runs", "GPU hours here", "speed, over that published", "from",
        f"power a node, without fans [{unit}]", "from",
    )  # fmt: skip
    words = (
        "A job keeps the length that was published for its kind: a faster GPU does not end it sooner here, it does more "
        f"work in the same time. What the jobs did in this run would have taken {count(work)} GPU hours on the GPUs that "
        "they were published on, by the predicted steps of what each kind runs."
    )
    return [Words(words), Rows("Kinds of job", head, rows, frozenset({1, 4, 6}))]


def series(entries: Mapping[str, Mapping[str, str]]) -> Rows:
    """The hourly series of the site, with who made them.

    entries   use, such as "price" -> title, attribution and note of its series, and whether it is modelled, of run.json

    A series that is modelled is marked so beside its title.
    """
    rows = []
    for use, entry in entries.items():
        title = Markup('{} <span class="flag">modelled</span>') if entry["synthetic"] else Markup("{}")
        rows.append((use.replace("_", " "), title.format(entry["title"]), entry["attribution"], entry["note"]))
    return Rows("Hourly series of 2024", ("used for", "series", "attribution", "note"), rows, frozenset({1, 2, 3}))


def fingerprints(origin: Mapping[str, Mapping[str, str]]) -> Rows:
    """SHA-256 of every input.

    Two runs with the same fingerprints, seed and days have the same tables.

    origin   run.json, of which `digests` has the fingerprint of each input by its name
    """
    rows = [(name.replace("_", " "), Markup("<code>{}</code>").format(digest)) for name, digest in origin["digests"].items()]
    return Rows("Fingerprints", ("input", "SHA-256"), rows, frozenset({1}))
