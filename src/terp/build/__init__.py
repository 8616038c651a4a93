"""WHAT IS THE MACHINE, EXACTLY?

Description + catalogue -> Machine: nodes in their racks, fabric to the cable, storage, power, bill of materials.
"""

from terp.build.bill import Line
from terp.build.fabric import Fabric
from terp.build.machine import Machine, Stored, build_machine
from terp.build.networks import Networks
from terp.build.nodes import Nodes
from terp.build.paths import Way, way_between

__all__ = ["Fabric", "Line", "Machine", "Networks", "Nodes", "Stored", "Way", "build_machine", "way_between"]
