"""WHAT DOES THE USER WANT?

Frozen records of the files people write: machine, site, workload, policy, model; and of traces.  No arithmetic here.
"""

from terp.describe.checks import unknown_parts
from terp.describe.hall import Conversion, Cooling, Evaporation, Hall, HeatReuse, Liquid, Rejection, Renewables
from terp.describe.machine import PARTS, Compute, Fabric, Listed, MachineFile, Management, PublishedCounts, Storage
from terp.describe.model import Experts, Latent, ModelFile, Patches, StateSpace, TransformerModel, Window
from terp.describe.policy import Account, Assign, Backfill, Limits, Partition, Policy, Priority, Qos, Reservation, Weights
from terp.describe.science import AfnoModel, EvoformerModel, MeshModel, ResNetModel, UNetModel
from terp.describe.shipped import (
    MODEL_FAMILIES,
    read_machine,
    read_model,
    read_policy,
    read_site,
    read_workload,
    shipped_names,
)
from terp.describe.site import Contract, Network, Site, TaxSlice
from terp.describe.trace import TRACE_STATES, Cluster, Trace
from terp.describe.workload import Arrivals, Domain, Group, JobType, Requests, Runs, Workload

__all__ = [
    "MODEL_FAMILIES",
    "PARTS",
    "TRACE_STATES",
    "Account",
    "AfnoModel",
    "Arrivals",
    "Assign",
    "Backfill",
    "Cluster",
    "Compute",
    "Contract",
    "Conversion",
    "Cooling",
    "Domain",
    "Evaporation",
    "EvoformerModel",
    "Experts",
    "Fabric",
    "Group",
    "Hall",
    "HeatReuse",
    "JobType",
    "Latent",
    "Limits",
    "Liquid",
    "Listed",
    "MachineFile",
    "Management",
    "MeshModel",
    "ModelFile",
    "Network",
    "Partition",
    "Patches",
    "Policy",
    "Priority",
    "PublishedCounts",
    "Qos",
    "Rejection",
    "Renewables",
    "Requests",
    "ResNetModel",
    "Reservation",
    "Runs",
    "Site",
    "StateSpace",
    "Storage",
    "TaxSlice",
    "Trace",
    "TransformerModel",
    "UNetModel",
    "Weights",
    "Window",
    "Workload",
    "read_machine",
    "read_model",
    "read_policy",
    "read_site",
    "read_workload",
    "shipped_names",
    "unknown_parts",
]
