"""What one record's own fields cannot tell: names that must be known, numbers that must fit each other.

The checks of names work on the plain data of a file, so that they report beside whatever else is wrong with it.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from terp.catalogue import Catalogue, Part, Server, hourly, job_profiles, read_catalogue, series_names, unknown_sources
from terp.describe.checks.hall_checks import misfits_of_hall
from terp.describe.machine_file import OF_TOPOLOGY, PARTS, MachineFile
from terp.describe.model_file import ModelFile, TransformerModel
from terp.describe.policy import Policy
from terp.describe.science import SCIENCE_FAMILIES, Wrong, misfits_of_science
from terp.describe.site import Site
from terp.describe.workload import TypeName, Workload
from terp.errors import Problem, UnknownName, did_you_mean
from terp.reader import Sourced, Tree, Written

_ASSIGNED: Final = (("qos", "qos"), ("partition", "partitions"))
_RANGES: Final = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


def unmet_sources(sourced: Sourced) -> list[Problem]:
    """Sources of a file that the catalogue does not cite."""
    return unknown_sources(sourced, read_catalogue().sources)


def unmet_names(sourced: Sourced) -> list[Problem]:
    """Sources and parts of a machine file that the catalogue does not have."""
    places: list[tuple[str, ...]] = [(section, field) for section, field, _ in PARTS]
    partitions = _at(sourced.data, ("partitions",))
    places += [("partitions", name, "server") for name in (partitions if isinstance(partitions, dict) else {})]
    names = {place: _at(sourced.data, place) for place in places}
    named = {place: name for place, name in names.items() if isinstance(name, str)}
    return [*unmet_sources(sourced), *unknown_parts(sourced.tree, named, read_catalogue())]


def _at(data: object, path: tuple[str, ...]) -> object:
    """What stands at a path of plain data; None where nothing does."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def parts_named(file: MachineFile) -> dict[tuple[str, ...], str]:
    """The parts that a machine file names, by where they stand."""
    sections = {(section, field): getattr(file, section) for section, field, _ in PARTS}
    names = {place: getattr(section, place[1], None) for place, section in sections.items()}
    named: dict[tuple[str, ...], str] = {place: name for place, name in names.items() if name is not None}
    return named | {("partitions", name, "server"): other.server for name, other in file.partitions.items()}


def unknown_parts(tree: Tree, named: Mapping[tuple[str, ...], str], catalogue: Catalogue) -> list[Problem]:
    """Parts that a machine file names, by where they stand, and the catalogue does not have."""
    kinds: dict[tuple[str, ...], type[Part]] = {(section, field): kind for section, field, kind in PARTS}
    problems = []
    for place, name in named.items():
        try:
            catalogue.part(kinds.get(place, Server), name)
        except UnknownName as error:
            hint = str(error).partition("; ")[2]
            problems.append(tree.problem(place, "no such part in the catalogue", repr(error.name), hint))
    return problems


def misfits_of_machine(written: Written[MachineFile]) -> list[Problem]:
    """Nodes counted twice or not at all, keys that a topology does not have or needs, repair times that run backwards."""
    return [*_counts_of_nodes(written), *_keys_of_topology(written), *_storage_forms(written), *_repair_times(written)]


def _counts_of_nodes(written: Written[MachineFile]) -> list[Problem]:
    compute, tree = written.record.compute, written.tree
    if (compute.scalable_units_count is None) == (compute.nodes_count is None):
        wrong = (
            "neither `scalable_units` nor `nodes`" if compute.nodes_count is None else "both `scalable_units` and `nodes`"
        )
        return [tree.problem(("compute",), wrong, would_do="write one of them", key=True)]
    if compute.nodes_count is not None and compute.left_out_count:
        would_do = "leave it away: `nodes` counts those that are there"
        return [tree.problem(("compute", "left_out"), "left out of a count of nodes", str(compute.left_out_count), would_do)]
    if compute.left_out_count >= compute.nodes_per_unit_count:
        wrong, would_do = "more nodes are left out than a unit has", "use fewer units or leave out fewer"
        return [tree.problem(("compute", "left_out"), wrong, str(compute.left_out_count), would_do)]
    return []


def _keys_of_topology(written: Written[MachineFile]) -> list[Problem]:
    fabric, tree = written.record.fabric, written.tree
    mine = OF_TOPOLOGY[fabric.topology]
    others = {key for keys in OF_TOPOLOGY.values() for key in keys} - set(mine)
    there = tree.data.get("fabric", {}) if isinstance(tree.data, dict) else {}
    problems = [
        tree.problem(
            ("fabric", key), f"a {fabric.topology} has none", would_do="leave it away; it has " + ", ".join(mine), key=True
        )
        for key in sorted(others & set(there))
    ]
    needed = [key for key in mine if key.endswith("_per_group") or key == "global_links"]
    return problems + [
        tree.problem(("fabric", key), f"missing in a {fabric.topology}", would_do=f"add `{key}:`", key=True)
        for key in needed
        if getattr(fabric, f"{key}_count") is None
    ]


def _storage_forms(written: Written[MachineFile]) -> list[Problem]:
    storage, problems = written.record.storage, []
    if storage is None:
        return []
    if len({part is None for part in (storage.appliance, storage.appliances_count, storage.switch)}) > 1:
        would_do = "write `appliance`, `appliances` and `switch`, or none of them"
        problems.append(written.tree.problem(("storage",), "appliances in part", would_do=would_do, key=True))
    second = (storage.capacity_appliance, storage.capacity_appliances_count)
    if any(second) and not all((*second, storage.appliance)):
        would_do = "write `capacity_appliance` and `capacity_appliances`, beside `appliance`"
        problems.append(written.tree.problem(("storage",), "a second tier in part", would_do=would_do, key=True))
    return problems


def _repair_times(written: Written[MachineFile]) -> list[Problem]:
    reliability, tree = written.record.reliability, written.tree
    pairs = (("quick_low", "quick_high"), ("slow_median", "slow_p95"))
    return [
        tree.problem(("reliability", high), f"less than {low}", would_do="the larger one comes second")
        for low, high in pairs
        if reliability is not None and getattr(reliability, f"{low}_s") > getattr(reliability, f"{high}_s")
    ]


def misfits_of_site(written: Written[Site]) -> list[Problem]:
    """Series that are not there or of another unit, a hall that cannot be, tax slices that do not rise."""
    site, tree, known = written.record, written.tree, series_names()
    problems = []
    for field, unit in (("price", "EUR/MWh"), ("carbon", "gCO2/kWh"), ("wet_bulb", "degC"), ("dry_bulb", "degC")):
        name = getattr(site, field)
        if name is None:
            continue
        if name not in known:
            problems.append(tree.problem((field,), "unknown hourly series", repr(name), did_you_mean(name, known)))
        elif hourly(name).entry.unit != unit:
            wrong = f"a series in {hourly(name).entry.unit} where one in {unit} is wanted"
            problems.append(tree.problem((field,), wrong, repr(name)))
    bounds = [slice_.up_to_j for slice_ in site.energy_tax]
    rising = sorted(bound for bound in bounds if bound is not None)
    if any(bound is None for bound in bounds[:-1]) or rising != [bound for bound in bounds if bound is not None]:
        wrong = "the slices do not rise"
        problems.append(tree.problem(("energy_tax",), wrong, would_do="sort by up_to; only the last goes without"))
    return [*problems, *misfits_of_hall(written)]


def misfits_of_workload(written: Written[Workload]) -> list[Problem]:
    """Shares that do not add up, names that do not meet, types that nobody can run, rates and requests that cannot be."""
    return [*_sums(written), *_unmet_names(written), *_uncovered_types(written), *_rates_and_requests(written)]


def _sums(written: Written[Workload]) -> list[Problem]:
    groups = written.record.groups
    sums: dict[tuple[str, ...], list[float]] = {("groups",): [group.share_fraction for group in groups.values()]}
    for name, group in groups.items():
        sums["groups", name, "profiles"] = list(group.profiles.values())
        sums["groups", name, "domains"] = list(group.domains.values())
    return [
        written.tree.problem(path, "the shares do not add up to 1", f"{sum(shares):.4g}", "change one of them")
        for path, shares in sums.items()
        if abs(sum(shares) - 1) > 1e-6
    ]


def _unmet_names(written: Written[Workload]) -> list[Problem]:
    workload, problems = written.record, []
    for name, group in workload.groups.items():
        used: dict[str, tuple[Collection[str], Collection[str]]] = {
            "profiles": (group.profiles, job_profiles()),
            "domains": (group.domains, workload.domains),
        }
        for field, (keys, known) in used.items():
            for key in keys:
                path = ("groups", name, field, key)
                if key not in known:
                    hint = did_you_mean(key, known)
                    problems.append(written.tree.problem(path, f"unknown {field[:-1]}", repr(key), hint, key=True))
                elif field == "domains" and group.domains[key] > 0 and not workload.domains[key].jobs:
                    wrong, would_do = "a domain without jobs", "give it jobs, or this group none of it"
                    problems.append(written.tree.problem(path, wrong, repr(key), would_do))
    return problems


def _uncovered_types(written: Written[Workload]) -> list[Problem]:
    workload, problems = written.record, []
    for name, group in workload.groups.items():
        domains = [workload.domains[key] for key, weight in group.domains.items() if weight > 0 and key in workload.domains]
        covered = {kind for domain in domains for job in domain.jobs.values() for kind in job.like}
        missing = [kind for kind in typing.get_args(TypeName) if kind not in covered]
        if missing and domains:
            wrong = "no domain of this group has jobs like " + " or ".join(missing)
            problems.append(written.tree.problem(("groups", name, "domains"), wrong, would_do="add one to a domain"))
    return problems


def _rates_and_requests(written: Written[Workload]) -> list[Problem]:
    requests, arrivals, tree = written.record.requests, written.record.arrivals, written.tree
    rising = {
        "quantile": requests.quantile_fraction,
        "run_over_requested": requests.run_over_requested_fraction,
        "limits": requests.limits_s,
    }
    problems = [
        tree.problem(("requests", field), "the values do not rise", would_do="sort them")
        for field, values in rising.items()
        if values != sorted(values)
    ]
    if len(requests.quantile_fraction) != len(requests.run_over_requested_fraction):
        found, would_do = str(len(requests.run_over_requested_fraction)), f"write {len(requests.quantile_fraction)}"
        problems.append(tree.problem(("requests", "run_over_requested"), "one value a quantile is needed", found, would_do))
    if min(requests.limits_s) < 1:
        problems.append(tree.problem(("requests", "limits"), "a limit of no time", would_do="write at least 1 s"))
    rates = {"by_hour": (arrivals.by_hour_ratio, 24), "by_weekday": (arrivals.by_weekday_ratio, 7)}
    for field, (values, count) in rates.items():
        if len(values) != count:
            found = f"{len(values)} rates"
            problems.append(tree.problem(("arrivals", field), "not one rate an hour or a day", found, f"write {count}"))
        elif max(values) <= 0:
            problems.append(tree.problem(("arrivals", field), "nobody ever comes", would_do="write a rate above 0"))
    return problems


def misfits_of_runs(
    written: Written[Workload], models: Collection[str], read: Callable[[str], Written[ModelFile]]
) -> list[Problem]:
    """Kinds of job without a power, models that do not ship, sequences that are missing or that a model does not have."""
    tree, problems = written.tree, []
    for domain, entry in written.record.domains.items():
        for name, job in entry.jobs.items():
            path, runs = ("domains", domain, "jobs", name), job.runs
            if runs is None:
                if job.node_power_w is None:
                    would_do = "say what it runs, or add `node_power:`"
                    problems.append(tree.problem(path, "neither `runs` nor `node_power`", would_do=would_do, key=True))
            elif runs.model not in models:
                hint = did_you_mean(runs.model, models)
                problems.append(tree.problem((*path, "runs", "model"), "no such model ships", repr(runs.model), hint))
            else:
                problems += _sequence(tree, (*path, "runs"), read(runs.model).record, runs.seq_count)
    return problems


def _sequence(tree: Tree, path: tuple[str, ...], model: ModelFile, seq: int | None) -> list[Problem]:
    words = bool(getattr(model, "vocabulary_size", 0))
    if words and seq is None:
        would_do = "write the tokens of a sequence, such as `seq: 8192`"
        return [tree.problem((*path, "seq"), "missing", would_do=would_do, key=True)]
    if not words and seq is not None:
        wrong = f"{model.title} has samples of its own size"
        return [tree.problem((*path, "seq"), wrong, str(seq), "leave it away", key=True)]
    return []


def misfits_of_model(written: Written[ModelFile]) -> list[Problem]:
    """Shapes that cannot be, each with its place."""
    model, tree = written.record, written.tree
    wrong = FAMILY_MISFITS[getattr(model, "family", "")](model)
    return [tree.problem(path, what, would_do=would_do) for path, what, would_do in wrong]


def wrong_shapes(model: TransformerModel) -> list[tuple[tuple[str, ...], str, str]]:
    """Heads that do not divide, more experts than there are, layers that do not add up: path, what, and what would do."""
    wrong: list[tuple[tuple[str, ...], str, str]] = []
    if model.latent is None and model.stated_head_size is None and model.hidden_size % model.heads_count:
        what = f"{model.hidden_size} does not divide by {model.heads_count}"
        wrong.append((("heads",), what, "a divisor would do, or a size of heads"))
    if model.heads_count % model.kv_count:
        wrong.append((("kv_heads",), f"{model.heads_count} heads do not divide by {model.kv_count}", "a divisor would do"))
    if bool(model.vocabulary_size) == (model.patches is not None):
        wrong.append(((), "neither a vocabulary nor patches, or both", "write one of them"))
    experts, states = model.experts, model.state_space
    if experts and experts.active_count > experts.count:
        wrong.append((("experts", "active"), f"more than the {experts.count} experts there are", "at most as many would do"))
    if experts and experts.dense_layers_count >= model.layers_count:
        wrong.append((("experts", "dense_layers"), f"all of {model.layers_count} layers, or more", "fewer would do"))
    dense = not experts or experts.dense_layers_count or experts.every_count > 1
    if dense and not model.inner_size and not (states and not states.inner_layers_count):
        wrong.append((("inner",), "missing: there are layers without experts", "give the size inside of them"))
    if states and states.layers_count + states.attention_layers_count + states.inner_layers_count != model.layers_count:
        wrong.append((("state_space", "layers"), f"its layers do not add up to {model.layers_count}", "change one of them"))
    if model.window and model.window.layers_count > model.layers_count:
        wrong.append((("window", "layers"), f"more than the {model.layers_count} there are", "at most as many would do"))
    if model.patches and (model.patches.height_size % model.patches.size or model.patches.width_size % model.patches.size):
        wrong.append((("patches", "size"), "does not divide the height and the width", "a common divisor would do"))
    return wrong


FAMILY_MISFITS: Final[dict[str, Callable[[Any], Iterable[Wrong]]]] = {
    "transformer": wrong_shapes,
    **dict.fromkeys(SCIENCE_FAMILIES, misfits_of_science),
}
"""Family of models -> what is wrong with their shapes.  `terp.extend.model_family` adds to it."""


def misfits_of_policy(written: Written[Policy]) -> list[Problem]:
    """Accounts and QOS that are named and not there, accounts that are their own parents, ranges of nodes that are none."""
    policy, tree = written.record, written.tree
    named: list[tuple[tuple[str, ...], str, Collection[str]]] = [
        (("default_partition",), policy.default_partition, policy.partitions),
        *((("accounts", name, "parent"), account.parent, policy.accounts) for name, account in policy.accounts.items()),
        *((("qos", name, "preempts"), other, policy.qos) for name, qos in policy.qos.items() for other in qos.preempts),
    ]
    named += [
        ((section, name, "accounts"), account, policy.accounts)
        for section in ("partitions", "reservations")
        for name, entry in getattr(policy, section).items()
        for account in entry.accounts
    ]
    for place, rule in enumerate(policy.assign):
        named += [(("assign", str(place), key), getattr(rule, key), getattr(policy, section)) for key, section in _ASSIGNED]
    problems = [
        tree.problem(path, "is not there", repr(name), did_you_mean(name, known))
        for path, name, known in named
        if name and name not in known
    ]
    for name in policy.accounts:
        above, at = {name}, policy.accounts[name].parent
        while at in policy.accounts and at not in above:
            above.add(at)
            at = policy.accounts[at].parent
        if at in above:
            problems.append(tree.problem(("accounts", name, "parent"), "leads back to itself", repr(at)))
    problems += [
        tree.problem(("qos", name, "preempts"), "its jobs could be stopped for those that they stop", repr(name))
        for name in policy.qos
        if name in _stopped_for(policy, name)
    ]
    for section in ("partitions", "reservations"):
        for name, entry in getattr(policy, section).items():
            if entry.nodes and not _RANGES.fullmatch(entry.nodes):
                would_do = "write numbers from 1, such as '1-64,70'"
                problems.append(tree.problem((section, name, "nodes"), "no ranges of nodes", repr(entry.nodes), would_do))
    return problems


def _stopped_for(policy: Policy, name: str) -> set[str]:
    """All QOS whose jobs a QOS may stop, itself or through others."""
    found: set[str] = set()
    left = list(policy.qos[name].preempts)
    while left:
        other = left.pop()
        if other in policy.qos and other not in found:
            found.add(other)
            left += policy.qos[other].preempts
    return found
