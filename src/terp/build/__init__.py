"""WHAT IS THE MACHINE, EXACTLY?

Description + catalogue -> Machine: nodes in their racks, fabric to the cable, storage, power, bill of materials.
"""

from terp.build.bill import Line
from terp.build.fabric import Fabric, build_fabric
from terp.build.machine import Machine, build_machine
from terp.build.networks import Networks
from terp.build.nodes import Nodes

__all__ = ["Fabric", "Line", "Machine", "Networks", "Nodes", "build_fabric", "build_machine"]
