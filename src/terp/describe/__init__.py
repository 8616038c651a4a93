"""WHAT DOES THE USER WANT?

Frozen records of the files people write: machine, site, workload, policy, model, budget, scenario; and of
traces.
No arithmetic here.

`read_machine("gefion")`, `read_site(path)` and their like find a file by its shipped name, by its path, or take
a mapping of Python, and give a `Written` record: the record itself, the places of its values, and who says each
of them.  A record alone is checked field by field; `checks` holds what only several fields together can tell,
and a file that is read has passed both.  What the parts named in a file are, says the catalogue; what a machine
made of them can do, says `hardware`.
"""

from terp.describe.budget import (
    COST_CLASSES,
    Budget,
    Ceilings,
    Choices,
    CostClass,
    Delivery,
    Must,
    ObjectiveName,
    Payer,
    SiteChoice,
    Vat,
    Want,
)
from terp.describe.checks.machine_checks import parts_named, unknown_parts
from terp.describe.hall import Conversion, Cooling, Evaporation, Hall, HeatReuse, Liquid, Rejection, Renewables
from terp.describe.machine_file import (
    PARTS,
    Compute,
    FabricSection,
    Listed,
    MachineFile,
    Management,
    OtherNodes,
    PublishedCounts,
    Storage,
    Topology,
)
from terp.describe.model_file import Experts, Latent, ModelFile, Patches, StateSpace, TransformerModel, Window
from terp.describe.policy import (
    OWN_POLICIES,
    Account,
    Assign,
    Backfill,
    Limits,
    Partition,
    Policy,
    Priority,
    Qos,
    Reservation,
    Weights,
)
from terp.describe.scenario import Scenario
from terp.describe.science import AfnoModel, EvoformerModel, MeshModel, ResNetModel, UNetModel
from terp.describe.shipped import (
    MODEL_FAMILIES,
    DescriptionSource,
    machine_of_text,
    read_budget,
    read_machine,
    read_model,
    read_policy,
    read_scenario,
    read_site,
    read_workload,
    shipped_names,
    text_of,
)
from terp.describe.site import Contract, Network, Site, TaxSlice
from terp.describe.trace import TRACE_STATES, Cluster, Trace
from terp.describe.workload import Arrivals, Domain, Group, JobType, Requests, Runs, Workload

__all__ = [
    "COST_CLASSES",
    "MODEL_FAMILIES",
    "OWN_POLICIES",
    "PARTS",
    "TRACE_STATES",
    "Account",
    "AfnoModel",
    "Arrivals",
    "Assign",
    "Backfill",
    "Budget",
    "Ceilings",
    "Choices",
    "Cluster",
    "Compute",
    "Contract",
    "Conversion",
    "Cooling",
    "CostClass",
    "Delivery",
    "DescriptionSource",
    "Domain",
    "Evaporation",
    "EvoformerModel",
    "Experts",
    "FabricSection",
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
    "Must",
    "Network",
    "ObjectiveName",
    "OtherNodes",
    "Partition",
    "Patches",
    "Payer",
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
    "Scenario",
    "Site",
    "SiteChoice",
    "StateSpace",
    "Storage",
    "TaxSlice",
    "Topology",
    "Trace",
    "TransformerModel",
    "UNetModel",
    "Vat",
    "Want",
    "Weights",
    "Window",
    "Workload",
    "machine_of_text",
    "parts_named",
    "read_budget",
    "read_machine",
    "read_model",
    "read_policy",
    "read_scenario",
    "read_site",
    "read_workload",
    "shipped_names",
    "text_of",
    "unknown_parts",
]
