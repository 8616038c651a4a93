"""WHAT DOES THE USER WANT?

Frozen records of the files people write: machine, site, workload, model.  No arithmetic here.
"""

from terp.describe.checks import unknown_parts
from terp.describe.machine import PARTS, Compute, Fabric, Listed, MachineFile, Management, PublishedCounts, Storage
from terp.describe.model import Experts, Latent, ModelFile, Patches, StateSpace, TransformerModel, Window
from terp.describe.science import AfnoModel, EvoformerModel, MeshModel, ResNetModel, UNetModel
from terp.describe.shipped import MODEL_FAMILIES, read_machine, read_model, read_site, read_workload, shipped_names
from terp.describe.site import Cooling, Site, TaxSlice
from terp.describe.workload import Arrivals, Domain, Group, JobType, Requests, Runs, Workload

__all__ = [
    "MODEL_FAMILIES",
    "PARTS",
    "AfnoModel",
    "Arrivals",
    "Compute",
    "Cooling",
    "Domain",
    "EvoformerModel",
    "Experts",
    "Fabric",
    "Group",
    "JobType",
    "Latent",
    "Listed",
    "MachineFile",
    "Management",
    "MeshModel",
    "ModelFile",
    "Patches",
    "PublishedCounts",
    "Requests",
    "ResNetModel",
    "Runs",
    "Site",
    "StateSpace",
    "Storage",
    "TaxSlice",
    "TransformerModel",
    "UNetModel",
    "Window",
    "Workload",
    "read_machine",
    "read_model",
    "read_site",
    "read_workload",
    "shipped_names",
    "unknown_parts",
]
