"""WHAT DOES THE REAL CENTRE SAY?

Doors to what others hold: configs of models from a hub, the slurm.conf of a centre, traces of jobs.  Question
out, text back; only traces are written.

`hub` turns a config.json into a model, `slurm` a slurm.conf into a policy and a cluster, `traces` a file of
jobs into a `Trace`.  These files come from strangers: each reader has limits on length, depth and count, says
what it could not use and with which line, and never runs or fetches anything that a file names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from terp.exports import exported

if TYPE_CHECKING:
    from terp.connect.hub.hub_names import hub_model_name, is_hub_config
    from terp.connect.hub.transformers import MODEL_TYPES, model_from, read_config
    from terp.connect.slurm.conf_lines import ConfLine
    from terp.connect.slurm.slurm_conf import SlurmConf, read_slurm_conf
    from terp.connect.traces.formats import TRACE_FORMATS, convert, read_trace, trace_batches, write_trace
    from terp.connect.traces.observed import Observed, read_observed, read_replay
    from terp.connect.traces.trace_rows import Known

__all__ = [
    "MODEL_TYPES",
    "TRACE_FORMATS",
    "ConfLine",
    "Known",
    "Observed",
    "SlurmConf",
    "convert",
    "hub_model_name",
    "is_hub_config",
    "model_from",
    "read_config",
    "read_observed",
    "read_replay",
    "read_slurm_conf",
    "read_trace",
    "trace_batches",
    "write_trace",
]

__getattr__ = exported(
    __name__,
    {
        "hub.hub_names": ("hub_model_name", "is_hub_config"),
        "hub.transformers": ("MODEL_TYPES", "model_from", "read_config"),
        "slurm.conf_lines": ("ConfLine",),
        "slurm.slurm_conf": ("SlurmConf", "read_slurm_conf"),
        "traces.formats": ("TRACE_FORMATS", "convert", "read_trace", "trace_batches", "write_trace"),
        "traces.observed": ("Observed", "read_observed", "read_replay"),
        "traces.trace_rows": ("Known",),
    },
)
