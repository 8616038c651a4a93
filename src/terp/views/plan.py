"""A plan for the terminal: the answer, what there is to choose from, who pays, why the others lost, how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

from terp.units import number, show
from terp.views.columns import aligned

_WIDTH: Final = 122
_MOST_LOST: Final = 8
_MOST_SENSITIVE: Final = 5
_LEAST_SHARE: Final = 0.005
"""Of the scenarios; a kind of machine that wins fewer is not named, as it would stand there with 0 %."""
Plan = Mapping[str, Any]


def as_text(plan: Plan) -> str:
    """What of a plan fits on a screen or two, in lines of at most 125 columns.

    plan   plan.json, see docs/formats/plan.md
    """
    blocks = [
        _answer(plan),
        _frontier(plan["frontier"]),
        _payers(plan["payers"]),
        _binding(plan["binding"]),
        _lost(plan["rejected"]),
        _sensitivity(plan["sensitivity"]),
        _robustness(plan),
        _reserves(plan["robustness"].get("reserves", ())),
        _caveats(plan["caveats"]),
        _files(plan),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _cut(words: str, most: int) -> str:
    """At most so many characters."""
    return words if len(words) <= most else f"{words[: most - 3].rstrip()}..."


def _folded(words: str, indent: str = "  ") -> list[str]:
    """Words in lines that fit, all but the first indented further."""
    return wrap(words, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as columns; the last is cut to what room is left for it."""
    taken = 2 + sum(max(len(row[column]) for row in rows) + 2 for column in range(len(rows[0]) - 1))
    return [f"  {line}" for line in aligned([[*row[:-1], _cut(row[-1], max(_WIDTH - taken, 12))] for row in rows])]


def _rank(rank: int | None) -> str:
    return "below 500" if rank is None else str(rank)


def _answer(plan: Plan) -> list[str]:
    """The machine, its money, its rank and its science."""
    best, budget, searched = plan["best"], plan["budget"], plan["searched"]
    count = best["design"]["operation_years_count"]
    years = f"{count} years" if count != 1 else "a year"
    interval = f"likely {show(best['tco_low_eur'], 'eur')} to {show(best['tco_high_eur'], 'eur')}"
    energy = f"{show(best['energy_j_per_year'], 'j')} a year, PUE {best['pue_ratio']:.2f}"
    science = f"{number(best['science_h100_hours_per_year'] / 1e6)} million H100-hours a year from {best['first_science']}"
    rest = (
        "all of them" if searched["exhaustive"] else f"what was not tried is at most {searched['bound_fraction']:.1%} better"
    )
    tried = f"{searched['machines_count']:,} machines of {searched['designs_count']:,} designs"
    fits = f"{searched['feasible_count']:,} of which fit"
    rows = [
        (
            "machine",
            f"{best['gpus_count']:,} {_gpu(best)} in {best['nodes_count']:,} nodes, {best['design']['site_title']}",
        ),
        ("money", f"{show(best['tco_eur'], 'eur', 4)} over {years} of operation ({interval})"),
        ("TOP500", f"place {_rank(best['rank'])}, {show(best['rmax_flop_per_s'], 'flop_per_s')} in HPL"),
        ("science", f"{science}, at {number(best['eur_per_h100_hour'])} EUR each"),
        ("energy", energy),
        ("looked at", f"{tried}, {fits}; {rest}"),
    ]
    head = [*_folded(budget["title"], ""), "", *_folded(f"buy {best['title']}")]
    return [*head, *(line for name, words in rows for line in _folded(f"{name:10} {words}", "    "))]


def _called(machine: Plan) -> str:
    """Its title without the number of GPUs, which has a column of its own."""
    title: str = machine["title"]
    return title.removeprefix(f"{machine['gpus_count']:,} GPUs, ")


def _gpu(machine: Plan) -> str:
    """Its GPU, without what follows the name."""
    gpu: str = machine["gpu"]
    return gpu.partition(",")[0]


def _frontier(machines: Sequence[Plan]) -> list[str]:
    """The machines that nothing beats in every respect."""
    if not machines:
        return []
    rows = [("", "frontier", "GPUs", "MEUR", "Pflop/s", "rank", "M H100 h", "GWh", "first", "leads in")]
    for index, machine in enumerate(machines, 1):
        rows.append(
            (
                str(index),
                _cut(_called(machine), 35),
                f"{machine['gpus_count']:,}",
                f"{machine['tco_eur'] / 1e6:.1f}",
                f"{machine['rmax_flop_per_s'] / 1e15:.1f}",
                ">500" if machine["rank"] is None else str(machine["rank"]),
                f"{machine['science_h100_hours_per_year'] / 1e6:.1f}",
                f"{machine['energy_j_per_year'] / 3.6e12:.1f}",
                machine["first_science"] or "-",
                ", ".join(machine["best_in"]),
            )
        )
    return _table(rows)


def _payers(payers: Sequence[Plan]) -> list[str]:
    """Who pays what, gets what, and what bound is reached."""
    if not payers:
        return []
    rows = [("payer", "at most", "pays", "access", "GPU h a year", "bound reached")]
    for payer in payers:
        most = "no bound" if payer["amount_eur"] is None else show(payer["amount_eur"], "eur", 4)
        hours = f"{payer['access_gpu_hours_per_year']:,.0f}"
        pays, access = show(payer["pays_eur"], "eur", 4), f"{payer['access_fraction']:.1%}"
        rows.append((_cut(payer["title"], 40), most, pays, access, hours, payer["binding"] or "-"))
    return _table(rows)


def _binding(binding: Sequence[Plan]) -> list[str]:
    """The limits on the best machine, and what a little more of each would add."""
    if not binding:
        return []
    rows = [("limit", "room left", "1 % more is worth")]
    for row in binding:
        worth = row["worth"] if isinstance(row["worth"], str) else f"{row['worth']:+.2%}"
        rows.append((row["constraint"], f"{row['slack_fraction']:.1%}", worth))
    return _table(rows)


def _lost(rejected: Sequence[Plan]) -> list[str]:
    """Why the others lost, in a line or two each."""
    if not rejected:
        return []
    lines = ["  lost"]
    for row in rejected[:_MOST_LOST]:
        lines += [
            f"    {_cut(row['title'], _WIDTH - 4)}",
            *_folded(_cut(row["reason"].partition(": ")[0], _WIDTH - 10), "      "),
        ]
    left = len(rejected) - _MOST_LOST
    return [*lines, *([f"    and {left:,} more; --json and the paper have all"] if left > 0 else [])]


def _sensitivity(sensitivity: Sequence[Plan]) -> list[str]:
    """The inputs that move the objective most; an asterisk marks what is assumed."""
    if not sensitivity:
        return []
    rows = [("sensitive to (* assumed)", "range", "effect", "another wins at")]
    for row in sensitivity[:_MOST_SENSITIVE]:
        star = " *" if row["status"] == "assumed" else ""
        changes = "-" if row["changes_at_ratio"] is None else f"{number(row['changes_at_ratio'])} x: {row['changes_to']}"
        effect = f"{row['objective_low_fraction']:+.1%} / {row['objective_high_fraction']:+.1%}"
        spread = f"{number(row['low_ratio'])} .. {number(row['high_ratio'])} x"
        rows.append((_cut(row["title"], 42) + star, spread, effect, changes))
    return _table(rows)


def _robustness(plan: Plan) -> list[str]:
    """How often each design wins, and what the choice costs in hindsight."""
    found = plan["robustness"]
    share, count = f"{plan['robustness_fraction']:.0%}", f"{found['scenarios_count']:,}"
    first = (
        f"  in {share} of {count} price scenarios its design, sized anew, still wins;"
        f" on average it is {found['regret_fraction']:.1%} worse than the best in hindsight"
    )
    second = f"  all the money, with the reserve, pays for this very machine in {found['fits_fraction']:.0%}"
    wins = "; ".join(f"{win['design']} {win['fraction']:.0%}" for win in found["wins"] if win["fraction"] > _LEAST_SHARE)
    return [first, *(_folded(f"wins: {wins}") if wins else []), second]


def _reserves(reserves: Sequence[Plan]) -> list[str]:
    """What keeping back more or less would buy, and how sure it then is that all the money pays for it."""
    if not reserves:
        return []
    rows = [
        ("kept back", *(f"{one['reserve_fraction']:.0%}" for one in reserves)),
        ("GPUs", *(f"{one['gpus_count']:,}" for one in reserves)),
        ("paid in the end", *(f"{one['fits_fraction']:.0%}" for one in reserves)),
    ]
    return _table(rows)


def _caveats(caveats: Sequence[str]) -> list[str]:
    return [line for words in caveats for line in _folded(f"not known: {words}")]


def _files(plan: Plan) -> list[str]:
    """Machine files, in the folder that -o names."""
    names = ", ".join(["plan.json", "best.yaml", *(machine["file"] for machine in plan["frontier"])])
    return _folded(f"files of -o DIR: {names}")
