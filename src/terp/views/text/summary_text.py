"""A run's summary for the terminal.

The same figures stand in summary.json in SI units; here they are scaled and in words, shares of time by domain and
group below them.
"""

from __future__ import annotations

from typing import Final

from terp.results import Run
from terp.results.run_summary import RunSummary, ShareOfTime
from terp.units import DAY_S, HOUR_S, J_PER_KWH, number, show

_WAITS: Final = {"median": "median_wait_s", "mean": "mean_wait_s", "95th percentile": "p95_wait_s"}
"""Word -> figure of the summary."""


def as_text(run: Run) -> str:
    """The figures of a run that fit on a screen, and which of its series are modelled and not observed."""
    s, titles = run.summary, run.origin["titles"]
    ends = [f"{getattr(s, f'jobs_{word}_count'):,} {word}" for word in ("completed", "cancelled", "failed")]
    left = f"{s.jobs_running_count:,} running and {s.jobs_waiting_count:,} waiting at the end"
    waits = [f"{word} {show(getattr(s, key), 's')}" for word, key in _WAITS.items()]
    lost_fraction = s.lost_gpu_s / max(s.gpus_count * s.days * DAY_S, 1)
    used = f"{s.gpu_utilisation_fraction:.1%} of {s.gpus_count:,}, asked for {s.offered_load_fraction:.1%}"
    stops = f", {s.preemptions_count:,} stops for other jobs" if s.preemptions_count else ""
    failures = f"{s.node_failures_count:,} of nodes{stops}, {s.jobs_interrupted_count:,} jobs interrupted"
    ettr = s.reliability.ettr_fraction
    kept = f"; {ettr:.1%} of the time from first start to last end was work kept" if ettr is not None else ""
    delayed = f", {s.delayed_jobs_count:,} jobs kept back by {show(s.mean_delay_s, 's')}" if s.delayed_jobs_count else ""
    energy = f"{show(s.facility_energy_j, 'j')} at the meter, PUE {s.mean_pue:.3f}"
    levied = {"energy_tax_eur": "tax", "network_charge_eur": "network", "supplier_margin_eur": "margin"}
    parts = [f"{show(getattr(s, key), 'eur')} {word}" for key, word in levied.items() if getattr(s, key)]
    of_it = f", of it {', '.join(parts)}" if parts else ""
    met = f"{s.published_figures_met_count} of {s.published_figures_count} published shares and quantiles of jobs met"
    rows = [
        ("policy", f"{s.policy}{delayed}"),
        ("jobs", f"{s.jobs_submitted_count:,}: {', '.join(ends)}; {left}"),
        ("GPUs in use", used),
        ("wait", ", ".join(waits)),
        ("failures", f"{failures}, {lost_fraction:.2%} of GPU time lost{kept}"),
        ("energy", f"{energy}, machine {show(s.mean_it_power_w, 'w')} on average"),
        ("electricity", f"{show(s.electricity_cost_eur, 'eur')}{of_it}"),
        *_water_and_heat(s),
        ("carbon", f"{number(s.carbon_kg / 1000)} t CO2"),
        ("workload", met),
        ("kinds of job", _predicted(s)),
    ]
    place = f"{run.origin['title']} at {run.origin['site_title']}"
    lines = [f"{place}: {s.days} days, seed {s.seed}, in {s.wall_s:.1f} s", ""]
    lines += [f"  {name:12} {text}" for name, text in rows]
    lines += ["", f"  {'':20} {'GPU hours':>12} {'share':>7} {'jobs':>9} {'mean wait':>10} {'energy':>10} {'cost':>11}"]
    for kind, entries in (("domains", s.domains), ("groups", s.groups)):
        lines += [_row(titles[kind][name], entry) for name, entry in entries.items()] + [""]
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


def _predicted(summary: RunSummary) -> str:
    """How many kinds of job were predicted, the work they did and what they draw; else where work and powers are from."""
    kinds = summary.kinds
    count = sum(kind.speed_from == "predicted" for kind in kinds)
    levels_w = [kind.node_power_w for kind in kinds if kind.node_power_from == "predicted"]
    words = []
    if count:
        of_all = f"{summary.work_gpu_s / HOUR_S:,.0f} GPU hours of work on the GPUs of the published jobs"
        words.append(f"{count} of {len(kinds)} predicted; {of_all}")
    if levels_w:
        words.append(f"{show(min(levels_w), 'w', 3)} to {show(max(levels_w), 'w', 3)} a node without fans")
    return "; ".join(words) or "work as published, powers as in the file or in long training"


def _row(title: str, entry: ShareOfTime) -> str:
    """A line of a domain or a group: GPU hours, share of GPU time, jobs, mean wait, energy, cost."""
    share = f"{entry.gpu_time_fraction:.1%}"
    return (
        f"  {title:20} {entry.gpu_s / HOUR_S:>12,.0f} {share:>7} {entry.jobs_count:>9,} "
        f"{show(entry.mean_wait_s, 's'):>10} {show(entry.energy_j, 'j'):>10} {show(entry.cost_eur, 'eur'):>11}"
    )
