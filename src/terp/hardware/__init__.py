"""WHAT IS THE MACHINE, EXACTLY?

Description + catalogue -> Machine: nodes in their racks, fabric to the cable, storage, power, bill of materials.

`machine_from` takes what a user names (a shipped machine, a path, a mapping) and `build_machine` a description that was
read; both give a frozen `Machine`, in which every node, leaf port, switch and cable has its number.  Nothing is random,
and nothing depends on time: the same description and catalogue give the same machine.

The same counting rules also take numpy columns in the place of whole numbers, so that a plan counts switches, cables and
racks of thousands of candidate machines at once without wiring any (`Counts`, `FabricCounts`, `tree_counts`,
`build_networks`, `bill_of_materials`).  How fast, how hot and how dear a machine is, `terp.physics` says.
"""

from terp.arrays import Ints
from terp.hardware.bill import Bill, Line, bill_of_materials
from terp.hardware.counts import Counts, FabricCounts, Whole, over
from terp.hardware.fabric import Fabric
from terp.hardware.machine import Machine, Stored, build_machine, machine_from
from terp.hardware.networks import Networks, build_networks, nodes_of_storage_leaf
from terp.hardware.nodes import Nodes, cable_faults, racks_of
from terp.hardware.paths import Way, way_between
from terp.hardware.tree_counts import TreeRule, tree_counts, tree_rule
from terp.hardware.trees import leaf_ports, nodes_of_leaf

__all__ = [
    "Bill",
    "Counts",
    "Fabric",
    "FabricCounts",
    "Ints",
    "Line",
    "Machine",
    "Networks",
    "Nodes",
    "Stored",
    "TreeRule",
    "Way",
    "Whole",
    "bill_of_materials",
    "build_machine",
    "build_networks",
    "cable_faults",
    "leaf_ports",
    "machine_from",
    "nodes_of_leaf",
    "nodes_of_storage_leaf",
    "over",
    "racks_of",
    "tree_counts",
    "tree_rule",
    "way_between",
]
