"""Where a run comes from: digests of all inputs, and who says each value.

A run can be traced to its inputs by the digests, and each input value to its source by the provenance.  Two runs with the
same digests, days, seed and controls have the same tables.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import terp
from terp.catalogue import constants_digest, hourly, job_statistics_digest, read_catalogue, series_digest
from terp.describe import Site, Workload
from terp.describe.hall import Declared
from terp.hardware import Machine
from terp.physics import machine_power, waste_heat_celsius
from terp.reader import Provenance, Written, record_digest
from terp.results.run_folder import FORMAT
from terp.simulate.jobs.job_kinds import JobKind, kinds_digest, predicted_provenance


def origin_of(
    machine: Machine, site: Written[Site], workload: Written[Workload], kinds: tuple[JobKind, ...], days: int, seed: int
) -> dict[str, Any]:
    """run.json, see docs/formats/run.md.  Holds no time of day: the same run gives the same bytes.

    kinds   the kinds of job without caps, of which the digest and the provenance of predictions are made

    `provenance` has a row for each value of machine, site and workload, with its status, such as measured or assumed, and
    its source; `assumed` those rows that rest on an assumption; `sources` the citations that any of them names.
    """
    provenance = dict(machine.provenance)
    for written in (site, workload):
        provenance |= {f"{written.record.name}.{path}": entry for path, entry in written.provenance.items()}
    predicted = predicted_provenance(kinds)
    provenance |= {f"{workload.record.name}.{path}": entry for path, entry in predicted.items()}
    uses = [use for use in ("price", "carbon", "wet_bulb", "dry_bulb") if getattr(site.record, use)]
    series = {use: hourly(getattr(site.record, use)) for use in uses}
    used = {entry.source for entry in provenance.values() if entry.source}
    used |= {entry.entry.origin for entry in series.values()} | {"acme-2024"}
    citations = read_catalogue().sources
    return {
        "format": FORMAT,
        "version": terp.__version__,
        "machine": machine.file.name,
        "title": machine.file.title,
        "site": site.record.name,
        "site_title": site.record.title,
        "workload": workload.record.name,
        "days": days,
        "seed": seed,
        "note": site.record.note,
        "digests": {**digests_of(machine, site, workload), "predictions": kinds_digest(kinds)},
        "titles": _titles(workload.record),
        "power": asdict(machine_power(machine)),
        "facility": _facility(site.record, machine),
        "declared": site.record.declared.model_dump(),
        "country": site.record.country,
        "in_service": machine.file.in_service,
        "storage_bytes": machine.storage.usable_bytes,
        "series": {
            use: {
                "name": entry.name,
                **entry.entry.model_dump(include={"title", "unit", "synthetic", "attribution", "note"}),
            }
            for use, entry in series.items()
        },
        "synthetic_series": [entry.name for entry in series.values() if entry.entry.synthetic],
        "statuses": dict(sorted(Counter(entry.status for entry in provenance.values()).items())),
        "assumed": [_row(path, entry) for path, entry in sorted(provenance.items()) if entry.status == "assumed"],
        "provenance": {path: _row(path, entry) for path, entry in sorted(provenance.items())},
        "sources": {name: citations[name].model_dump() for name in sorted(used)},
    }


def _facility(site: Site, machine: Machine) -> dict[str, object]:
    """The hall as it stands in the site file, and as the machine uses it.

    rejection   kind of the plant that the liquid loop's heat goes to; null where no loop cools this machine

    What the machine does not use of the hall is null, so that a reader need not know how it is cooled to read the rest.
    """
    loop, wet = site.cooling.liquid, machine.node.cooling == "liquid" and site.cooling.liquid is not None
    return {
        "liquid_cooled": wet,
        "rejection": loop.rejection.kind if loop and wet else None,
        "evaporates": site.cooling.evaporation is not None,
        "waste_heat_celsius": waste_heat_celsius(site, wet=wet),
        "heat_pump": site.heat_reuse is not None and site.heat_reuse.lift_carnot_fraction is not None,
        "contract": site.contract.kind,
        **site.hall.model_dump(),
        "renewables": site.renewables.model_dump() if site.renewables else None,
    }


def digests_of(machine: Machine, site: Written[Site], workload: Written[Workload]) -> dict[str, str]:
    """SHA-256 of all that a run is made from, but for the predictions that follow from it.

    Descriptions are digested as records, so that comments, order and units of a file do not count; `catalogue`, `constants`,
    `series` and `job_statistics` are the package's own data.
    """
    return {
        "machine": record_digest(machine.file),
        "site": record_digest(site.record.model_copy(update={"declared": Declared()})),  # which changes no figure
        "workload": record_digest(workload.record),
        "catalogue": machine.catalogue_digest,
        "constants": constants_digest(),
        "series": series_digest(),
        "job_statistics": job_statistics_digest(),
    }


def _titles(workload: Workload) -> dict[str, object]:
    """The titles of domains, groups and jobs for reports, by their names in the workload."""
    return {
        "domains": {name: domain.title for name, domain in workload.domains.items()},
        "groups": {name: group.title for name, group in workload.groups.items()},
        "jobs": {name: {job: kind.title for job, kind in domain.jobs.items()} for name, domain in workload.domains.items()},
    }


def _row(path: str, entry: Provenance) -> dict[str, str]:
    """A value with its status and source, as run.json holds it; what is empty is left out."""
    row = {"path": path, "value": entry.value_text, "status": entry.status, "source": entry.source}
    row |= {"range": entry.range_text, "note": entry.note}
    return {key: value for key, value in row.items() if value}
