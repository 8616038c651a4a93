"""HOW FAST IS IT, HERE?

Physics on a described machine: `hpl`, `hpcg` and `mxp`, a `training` and the `search` for its best split; and what the jobs
of a workload run, and how much of each kind of work an hour of the machine's GPUs does.

The five calls take a machine as `terp.machine` does, keywords that are checked as a file is, and give a frozen record of
`terp.results` with its interval, its caveats and its sources.  What they compute stands in `terp.physics`; here stands
what is asked, what is usual where nothing is said, and what a site adds in power and euros.

    import terp
    step = terp.predict.training("gefion", "llama-3.1-70b", seq=8192, global_batch=1504, gpus=1504, tp=4, cp=2, zero=2)
    step.step_s, step.step_low_s, step.step_high_s   # seconds: median, and the ends of the interval
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from terp.exports import exported

if TYPE_CHECKING:
    from terp.predict.benchmark_runs import hpcg, hpl, mxp
    from terp.predict.saved_predictions import prediction_of, read_prediction
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
    "prediction_of",
    "read_prediction",
    "search",
    "tokens_per_s_per_gpu",
    "training",
    "work_is_measured",
]

__getattr__ = exported(
    __name__,
    {
        "benchmark_runs": ("hpcg", "hpl", "mxp"),
        "saved_predictions": ("prediction_of", "read_prediction"),
        "split_search": ("search",),
        "throughput": (
            "DomainRate",
            "KindRate",
            "TokenRate",
            "domain_rates",
            "domain_ratios",
            "inference_tokens_per_s_per_gpu",
            "tokens_per_s_per_gpu",
            "work_is_measured",
        ),
        "training_steps": ("training",),
        "workload_mix": ("gpu_time_shares", "kind_shares"),
    },
)
