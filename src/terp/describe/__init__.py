"""WHAT DOES THE USER WANT?

Frozen records of the files people write: machine, site, workload.  No arithmetic here.
"""

from terp.describe.checks import unknown_parts
from terp.describe.machine import PARTS, Compute, Fabric, Listed, MachineFile, Management, PublishedCounts, Storage
from terp.describe.shipped import read_machine, read_site, read_workload, shipped_names
from terp.describe.site import Cooling, Site, TaxSlice
from terp.describe.workload import Arrivals, Domain, Group, JobType, Requests, Workload

__all__ = [
    "PARTS",
    "Arrivals",
    "Compute",
    "Cooling",
    "Domain",
    "Fabric",
    "Group",
    "JobType",
    "Listed",
    "MachineFile",
    "Management",
    "PublishedCounts",
    "Requests",
    "Site",
    "Storage",
    "TaxSlice",
    "Workload",
    "read_machine",
    "read_site",
    "read_workload",
    "shipped_names",
    "unknown_parts",
]
