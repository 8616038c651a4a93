"""A run's summary for the terminal."""

from __future__ import annotations

from typing import Any

from terp.results import Run
from terp.units import number, show


def as_text(run: Run) -> str:
    """The figures of a run that fit on a screen."""
    s, titles = run.summary, run.origin["titles"]
    done = f"{s['jobs_completed_count']:,} completed, {s['jobs_cancelled_count']:,} cancelled, {s['jobs_failed_count']:,} failed"
    left = f"{s['jobs_running_count']:,} running and {s['jobs_waiting_count']:,} waiting at the end"
    waits = f"median {show(s['median_wait_s'], 's')}, mean {show(s['mean_wait_s'], 's')}, 95th percentile {show(s['p95_wait_s'], 's')}"
    lost_fraction = s["lost_gpu_s"] / max(s["gpus_count"] * s["days"] * 86_400, 1)
    rows = [
        ("jobs", f"{s['jobs_submitted_count']:,}: {done}; {left}"),
        ("GPUs in use", f"{s['gpu_utilisation_fraction']:.1%} of {s['gpus_count']:,}, asked for {s['offered_load_fraction']:.1%}"),
        ("wait", waits),
        ("failures", f"{s['node_failures_count']:,} of nodes, {s['jobs_interrupted_count']:,} jobs interrupted, {lost_fraction:.2%} of GPU time lost"),
        ("energy", f"{show(s['facility_energy_j'], 'j')} at the meter, PUE {s['mean_pue']:.3f}, machine {show(s['mean_it_power_w'], 'w')} on average"),
        ("electricity", f"{show(s['electricity_cost_eur'], 'eur')}" + (f", {show(s['energy_tax_eur'], 'eur')} of it tax" if s["energy_tax_eur"] else "")),
        ("carbon", f"{number(s['carbon_kg'] / 1000)} t CO2"),
    ]  # fmt: skip
    lines = [f"{run.origin['title']} at {run.origin['site_title']}: {s['days']} days, seed {s['seed']}, in {s['wall_s']:.1f} s", ""]
    lines += [f"  {name:12} {text}" for name, text in rows]
    lines += ["", f"  {'':20} {'GPU hours':>12} {'share':>7} {'jobs':>9} {'mean wait':>10} {'energy':>10} {'cost':>11}"]
    for kind in ("domains", "groups"):
        lines += [_row(titles[kind][name], entry) for name, entry in s[kind].items()] + [""]
    synthetic = [entry["title"] for entry in run.origin["series"].values() if entry["synthetic"]]
    lines += [f"  modelled, not observed: {title}" for title in synthetic]
    return "\n".join(lines).rstrip()


def _row(title: str, entry: dict[str, Any]) -> str:
    share = f"{entry['gpu_time_fraction']:.1%}"
    return (
        f"  {title:20} {entry['gpu_s'] / 3600:>12,.0f} {share:>7} {entry['jobs_count']:>9,} "
        f"{show(entry['mean_wait_s'], 's'):>10} {show(entry['energy_j'], 'j'):>10} {show(entry['cost_eur'], 'eur'):>11}"
    )
