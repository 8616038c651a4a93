"""A run's summary for the terminal.

The same figures stand in summary.json in SI units; here they are scaled and in words, shares of time by domain and
group below them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from terp.results import Run
from terp.results.run_summary import RunSummary
from terp.units import DAY_S, HOUR_S, J_PER_KWH, UNITS, number, show

_WAITS: Final = {"median": "median_wait_s", "mean": "mean_wait_s", "95th percentile": "p95_wait_s"}
"""Word -> figure of the summary."""


def as_text(run: Run) -> str:
    """The figures of a run that fit on a screen, and which of its series are modelled and not observed.

    run   as it was simulated or read from its folder; rows for what it has none of, such as delays or taxes, are left out
    """
    s, titles = run.summary, run.origin["titles"]
    ends = [f"{getattr(s, f'jobs_{word}_count'):,} {word}" for word in ("completed", "cancelled", "failed")]
    as_there = "as many failed and cancelled as on the clusters whose published jobs these are drawn from"
    left = f"{s.jobs_running_count:,} running and {s.jobs_waiting_count:,} waiting at the end"
    waits = [f"{word} {show(getattr(s, key), 's')}" for word, key in _WAITS.items()]
    lost_fraction = s.lost_gpu_s / max(s.gpus_count * s.days * DAY_S, 1)
    used = f"{s.gpu_utilisation_fraction:.1%} of {s.gpus_count:,}, asked for {s.offered_load_fraction:.1%}"
    stops = f", {s.preemptions_count:,} stops for other jobs" if s.preemptions_count else ""
    failures = f"{s.node_failures_count:,} of nodes{stops}, {s.jobs_interrupted_count:,} jobs interrupted"
    delayed = f", {s.delayed_jobs_count:,} jobs kept back by {show(s.mean_delay_s, 's')}" if s.delayed_jobs_count else ""
    energy = f"{show(s.facility_energy_j, 'j')} at the meter, PUE {s.mean_pue:.3f}"
    levied = {"energy_tax_eur": "tax", "network_charge_eur": "network", "supplier_margin_eur": "margin"}
    parts = [f"{show(getattr(s, key), 'eur')} {word}" for key, word in levied.items() if getattr(s, key)]
    of_it = f", of it {', '.join(parts)}" if parts else ""
    rows = [
        ("policy", f"{s.policy}{delayed}"),
        ("jobs", f"{s.jobs_submitted_count:,}: {', '.join(ends)}; {left}"),
        *([("", as_there)] if s.jobs_failed_count else []),
        ("GPUs in use", used),
        ("wait", ", ".join(waits)),
        ("failures", f"{failures}, {lost_fraction:.2%} of GPU time lost"),
        ("energy", f"{energy}, machine {show(s.mean_it_power_w, 'w')} on average"),
        ("electricity", f"{show(s.electricity_cost_eur, 'eur')}{of_it}"),
        *_water_and_heat(s),
        ("carbon", f"{number(s.carbon_kg / 1000)} t CO2"),
    ]
    place = f"{run.origin['title']} at {run.origin['site_title']}"
    lines = [f"{place}: {s.days} days, seed {s.seed}, in {s.wall_s:.1f} s", ""]
    lines += [f"  {name:12} {text}" for name, text in rows]
    lines += ["", *_table(titles, s)]
    synthetic = [entry["title"] for entry in run.origin["series"].values() if entry["synthetic"]]
    lines += [f"  modelled, not observed: {title}" for title in synthetic]
    return "\n".join(lines).rstrip()


def _water_and_heat(summary: RunSummary) -> list[tuple[str, str]]:
    """Rows of a hall that evaporates water or hands on heat.

    A hall without either has no row for it.
    """
    rows = []
    if summary.water_kg:
        litres_per_kwh = number(summary.mean_wue_kg_per_j * J_PER_KWH, 2)
        rows.append(("water", f"{number(summary.water_kg / 1000)} m3, {litres_per_kwh} l per kWh of the machine"))
    if summary.reused_heat_j:
        share = f"{summary.energy_reuse_fraction:.1%} of the energy at the meter"
        rows.append(("heat reused", f"{show(summary.reused_heat_j, 'j')}, {share}"))
    return rows


def _table(titles: Mapping[str, Mapping[str, str]], summary: RunSummary) -> list[str]:
    """Lines of domains and groups: GPU hours, share of GPU time, jobs, mean wait, energy, cost; one unit a column.

    titles   of domains and groups, by kind and name
    """
    kinds = {"domains": summary.domains, "groups": summary.groups}
    every = [entry for entries in kinds.values() for entry in entries.values()]
    energy = _unit_of([entry.energy_j for entry in every], "j")
    cost = _unit_of([entry.cost_eur for entry in every], "eur")
    head = ("GPU hours", "share", "jobs", "mean wait, h", f"energy, {energy}", f"cost, {cost}")
    lines = [f"  {'':20} " + " ".join(f"{word:>12}" for word in head)]
    for kind, entries in kinds.items():
        for name, entry in entries.items():
            cells = (
                f"{entry.gpu_s / HOUR_S:,.0f}", f"{entry.gpu_time_fraction:.1%}", f"{entry.jobs_count:,}",
                f"{entry.mean_wait_s / HOUR_S:,.2f}", f"{entry.energy_j / UNITS['j'][energy]:,.2f}",
                f"{entry.cost_eur / UNITS['eur'][cost]:,.2f}",
            )  # fmt: skip
            lines.append(f"  {titles[kind][name]:20} " + " ".join(f"{cell:>12}" for cell in cells))
        lines.append("")
    return lines


def _unit_of(values: Sequence[float], dimension: str) -> str:
    """The unit in which the largest of a column is shown, for the whole column.

    values      in the SI unit of the dimension; none count as 0
    dimension   a key of `UNITS`
    """
    return show(max(values, default=0.0), dimension).rpartition(" ")[2]
