"""HOW FAST IS IT, HERE?

Physics on a described machine: `hpl`, `hpcg` and `mxp`, a `training` and the `search` for its best split; and what the jobs
of a workload run, and how much of each kind of work an hour of the machine's GPUs does.
"""

from terp.predict.benchmark_runs import hpcg, hpl, mxp
from terp.predict.split_search import search
from terp.predict.throughput import (
    DomainRate,
    KindRate,
    TokenRate,
    domain_rates,
    domain_ratios,
    inference_tokens_per_s_per_gpu,
    tokens_per_s_per_gpu,
    work_is_measured,
)
from terp.predict.training_steps import training
from terp.predict.workload_mix import gpu_time_shares, kind_shares

__all__ = [
    "DomainRate",
    "KindRate",
    "TokenRate",
    "domain_rates",
    "domain_ratios",
    "gpu_time_shares",
    "hpcg",
    "hpl",
    "inference_tokens_per_s_per_gpu",
    "kind_shares",
    "mxp",
    "search",
    "tokens_per_s_per_gpu",
    "training",
    "work_is_measured",
]
