"""HOW FAST IS IT, HERE?

Physics on a described machine: what its jobs run, and how much of each kind of work an hour of its GPUs does.
"""

from terp.predict.throughput import (
    DomainRate,
    KindRate,
    TokenRate,
    domain_rates,
    domain_ratios,
    inference_tokens_per_s_per_gpu,
    tokens_per_s_per_gpu,
)
from terp.predict.workload_mix import gpu_time_shares, kind_shares

__all__ = [
    "DomainRate",
    "KindRate",
    "TokenRate",
    "domain_rates",
    "domain_ratios",
    "gpu_time_shares",
    "inference_tokens_per_s_per_gpu",
    "kind_shares",
    "tokens_per_s_per_gpu",
]
