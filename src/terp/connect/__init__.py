"""WHAT DOES THE REAL CENTRE SAY?

Doors to what others hold: configs of models from a hub, the slurm.conf of a centre.  Question out, text back; nothing
here writes.
"""

from terp.connect.hub import MODEL_TYPES, read_config
from terp.connect.slurm_conf import SlurmConf, read_slurm_conf
from terp.connect.slurm_lines import ConfLine

__all__ = ["MODEL_TYPES", "ConfLine", "SlurmConf", "read_config", "read_slurm_conf"]
