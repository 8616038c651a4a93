"""A plan for the terminal: the answer, what there is to choose from, who pays, why the others lost, how sure it is.

Reasons and titles are codes in a plan; the catalogue of messages words them, in English here as in JSON.  A block that
has nothing to say is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from terp.plan import (
    BindingConstraint,
    InputSwing,
    PayerShare,
    PlannedMachine,
    PurchasePlan,
    RejectedKind,
)
from terp.units import J_PER_GWH, number, show
from terp.views.messages import Language
from terp.views.text.columns import aligned

_WIDTH: Final = 122
"""Columns of a line, at most."""
_MOST_LOST: Final = 8
"""Kinds of machine that lost, and inputs that move the answer, which are shown; --json has all."""
_MOST_SENSITIVE: Final = 5
_LEAST_SHARE: Final = 0.005
"""Of the scenarios; a kind of machine that wins fewer is not named, as it would stand there with 0 %."""
_WORDS: Final = Language("en", figures=True)
"""English, with numbers as figures."""


def as_text(plan: PurchasePlan) -> str:
    """What of a plan fits on a screen or two, in lines of at most 125 columns."""
    blocks = [
        _answer(plan),
        _frontier(plan.machines),
        _payers(plan.payers),
        _binding(plan.binding),
        _lost(plan.rejected),
        _sensitivity(plan.sensitivity),
        _robustness(plan),
        _reserves(plan),
        _caveats(plan),
        _files(plan),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _cut(words: str, most: int) -> str:
    """At most so many characters, with dots where something was cut.

    >>> _cut("supercomputer", 8)
    'super...'
    """
    return words if len(words) <= most else f"{words[: most - 3].rstrip()}..."


def _folded(words: str, indent: str = "  ") -> list[str]:
    """Words in lines that fit, all but the first indented further."""
    return wrap(words, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as columns; the last is cut to what room is left for it.

    rows   at least one, all of as many cells, the first of them the head
    """
    taken = 2 + sum(max(len(row[column]) for row in rows) + 2 for column in range(len(rows[0]) - 1))
    return [f"  {line}" for line in aligned([[*row[:-1], _cut(row[-1], max(_WIDTH - taken, 12))] for row in rows])]


def _rank(rank: int | None) -> str:
    """A place in the TOP500, or that it has none."""
    return "below 500" if rank is None else str(rank)


def _answer(plan: PurchasePlan) -> list[str]:
    """The machine, its money, its rank and its science.

    Money is in euros over the years of operation, with its likely range; science in H100-hours a year; energy a year.
    """
    best, budget, searched = plan.best, plan.budget, plan.searched
    count = best.design.operation_years_count
    years = f"{count} years" if count != 1 else "a year"
    interval = f"likely {show(best.tco_low_eur, 'eur')} to {show(best.tco_high_eur, 'eur')}"
    energy = f"{show(best.energy_j_per_year, 'j')} a year, PUE {best.pue_ratio:.2f}"
    science = f"{number(best.science_h100_hours_per_year / 1e6)} million H100-hours a year from {best.first_science}"
    rest = "all of them" if searched.exhaustive else f"what was not tried is at most {searched.bound_fraction:.1%} better"
    tried = f"{searched.machines_count:,} machines of {searched.designs_count:,} designs"
    fits = f"{searched.feasible_count:,} of which fit"
    rows = [
        (
            "machine",
            f"{best.gpus_count:,} {best.gpu} in {best.nodes_count:,} nodes, {best.design.site_title}",
        ),
        ("money", f"{show(best.tco_eur, 'eur', 4)} over {years} of operation ({interval})"),
        ("TOP500", f"place {_rank(best.rank)}, {show(best.rmax_flop_per_s, 'flop_per_s')} in HPL"),
        ("science", f"{science}, at {number(best.eur_per_h100_hour)} EUR each"),
        ("energy", energy),
        *_rent(plan),
        ("looked at", f"{tried}, {fits}; {rest}"),
    ]
    head = [*_folded(budget.title, ""), "", *_folded(f"buy {best.title}")]
    return [*head, *(line for name, words in rows for line in _folded(f"{name:10} {words}", "    "))]


def _rent(plan: PurchasePlan) -> list[tuple[str, str]]:
    """What as many H100-hours would cost by the hour.

    One row, as (name, words): the sum with its range, and the price of an H100-hour [EUR].
    """
    rent = plan.rent_instead
    span = f"{show(rent.low_eur, 'eur')} to {show(rent.high_eur, 'eur')}"
    each = f"at {number(rent.eur_per_h100_hour)} EUR each, without storage, network traffic and management"
    return [("or rent", f"{show(rent.eur, 'eur')} for as many H100-hours on demand ({span}), {each}")]


def _reserves(plan: PurchasePlan) -> list[str]:
    """What keeping back more or less of the money would mean: GPUs, science, and how often the money is enough.

    Nothing where no reserves were tried; the one that was planned with is marked.
    """
    reserves = plan.robustness.reserves
    if not reserves:
        return []
    rows = [("kept back", "GPUs", "science", "money is enough in")]
    for row in reserves:
        mark = ", as planned" if row.reserve_fraction == plan.budget.reserve_fraction else ""
        science, enough = f"{row.science_fraction:.0%}", f"{row.fits_fraction:.0%} of scenarios"
        rows.append((f"{row.reserve_fraction:.0%}{mark}", f"{row.gpus_count:,}", science, enough))
    return _table(rows)


def _frontier(machines: Sequence[PlannedMachine]) -> list[str]:
    """The machines that nothing beats in every respect, numbered as in the paper: money, rank, science and energy a year.

    Money is in millions of euros over the years of operation, HPL in Pflop/s, science in millions of H100-hours a year, and
    energy in GWh a year.  Nothing for no machines.
    """
    if not machines:
        return []
    rows = [
        ("", "frontier", "GPUs", "MEUR", "Pflop/s", "rank", "M H100 h", "GWh", "first", f"leads these {len(machines)} in")
    ]
    for index, machine in enumerate(machines, 1):
        rows.append(
            (
                str(index),
                _cut(_WORDS.sentence(machine.kind.title), 35),
                f"{machine.gpus_count:,}",
                f"{machine.tco_eur / 1e6:.1f}",
                f"{machine.rmax_flop_per_s / 1e15:.1f}",
                ">500" if machine.rank is None else str(machine.rank),
                f"{machine.science_h100_hours_per_year / 1e6:.1f}",
                f"{machine.energy_j_per_year / J_PER_GWH:.1f}",
                machine.first_science or "-",
                ", ".join(machine.best_in),
            )
        )
    return _table(rows)


def _payers(payers: Sequence[PayerShare]) -> list[str]:
    """Who pays what, gets what, and what bound is reached; euros in all, and GPU hours a year.

    A payer without an upper bound has "no bound" in its place, and a dash where it reaches none of its bounds.
    """
    if not payers:
        return []
    rows = [("payer", "at most", "pays", "access", "GPU h a year", "bound reached")]
    for payer in payers:
        most = "no bound" if payer.amount_eur is None else show(payer.amount_eur, "eur", 4)
        hours = f"{payer.access_gpu_hours_per_year:,.0f}"
        pays, access = show(payer.pays_eur, "eur", 4), f"{payer.access_fraction:.1%}"
        rows.append((_cut(payer.title, 40), most, pays, access, hours, ", ".join(payer.binding) or "-"))
    return _table(rows)


def _binding(binding: Sequence[BindingConstraint]) -> list[str]:
    """The limits on the best machine: how much room is left of each, and what 1 % more of it would add to the objective.

    Room is a share of the limit, and worth a share of the objective, with its sign.
    """
    if not binding:
        return []
    rows = [(row.constraint, f"{row.slack_fraction:.1%}", f"{row.worth:+.2%}") for row in binding]
    return _table([("limit", "room left", "1 % more is worth"), *rows])


def _lost(rejected: Sequence[RejectedKind]) -> list[str]:
    """Why the others lost, in a line each.

    A line is the kind and the reason, worded from its code; the first eight are shown.
    """
    if not rejected:
        return []
    rows = [("lost", "why")]
    rows += [
        (_cut(_WORDS.sentence(row.of.title), 52), _WORDS.sentence(row.reason).removesuffix("."))
        for row in rejected[:_MOST_LOST]
    ]
    left = len(rejected) - _MOST_LOST
    return [*_table(rows), *([f"    and {left:,} more; --json and the paper have all"] if left > 0 else [])]


def _sensitivity(sensitivity: Sequence[InputSwing]) -> list[str]:
    """The inputs that move the objective most, with the multiple at which another design wins; an asterisk marks what is
    assumed.

    The effect is a share of the objective, with the input at its low and at its high end.
    """
    if not sensitivity:
        return []
    rows = [("what would change it (* assumed)", "range", "effect", "another design wins at")]
    for row in sensitivity[:_MOST_SENSITIVE]:
        star = " *" if row.status == "assumed" else ""
        changes = "-"
        if row.changes_at_ratio is not None and row.changes_to is not None:
            changes = f"{row.changes_at_ratio:.2f} x: {_WORDS.sentence(row.changes_to.title)}"
        effect = f"{row.objective_low_fraction:+.1%} / {row.objective_high_fraction:+.1%}"
        spread = f"{number(row.low_ratio, 2)} .. {number(row.high_ratio, 2)} x"
        rows.append((_cut(_WORDS.plain(row.title), 46) + star, spread, effect, changes))
    return _table(rows)


def _robustness(plan: PurchasePlan) -> list[str]:
    """How often each design wins, and what the choice costs in hindsight.

    Kinds that win in fewer than half a per cent of the price scenarios are not named.
    """
    sure = plan.robustness
    share, count = f"{plan.robustness_fraction:.0%}", f"{sure.scenarios_count:,}"
    first = (
        f"  in {share} of {count} price scenarios its design, sized anew, still wins;"
        f" on average it is {sure.regret_fraction:.1%} worse than the best in hindsight"
    )
    second = f"  all the money, with the reserve, pays for this very machine in {sure.fits_fraction:.0%}"
    wins = "; ".join(
        f"{_WORDS.sentence(win.design.title)} {win.fraction:.0%}" for win in sure.wins if win.fraction > _LEAST_SHARE
    )
    return [first, *(_folded(f"wins: {wins}") if wins else []), second]


def _caveats(plan: PurchasePlan) -> list[str]:
    """What is not known."""
    if not plan.caveats:
        return []
    return ["  not known", *(line for caveat in plan.caveats for line in _folded(_WORDS.sentence(caveat), "    "))]


def _files(plan: PurchasePlan) -> list[str]:
    """What -o writes.

    They are named whether or not -o was given, so that who reads the answer knows that there is more.
    """
    count = len(plan.machines)
    machines = "a machine file" if count == 1 else f"{count} machine files"
    files = f"plan.json, best.yaml, {machines} of the frontier, workload.yaml, tables and the paper, brief.html"
    return _folded(f"-o DIR writes {files}")
