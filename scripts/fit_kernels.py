"""Fits the constants of kernels to the fit rows of validation/aiconfigurator and validation/terp-h100, and prints them.

python scripts/fit_kernels.py      (needs scipy: pip install 'terp[data]')
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.optimize import minimize

from terp.model import kernels
from terp.validate.kernels import is_for_fitting, predict, shipped_rows


def rows_of(source: str, kind: str) -> list:
    return [row for row in shipped_rows() if row.source == source and row.kind == kind and is_for_fitting(row)]


def fitted(rows: list, start: list[float], put) -> tuple[np.ndarray, float]:
    """The constants that make the mean error without sign of the logarithm least."""
    measured = np.array([row.time_s for row in rows])

    def loss(scaled):
        if min(scaled) <= 0:
            return 1e3
        put(np.array(scaled) * start)
        return np.mean(np.abs(np.log(np.array([predict(row) for row in rows]) / measured)))

    found = minimize(
        loss, np.ones(len(start)), method="Nelder-Mead", options={"maxiter": 200 * len(start), "maxfev": 300 * len(start)}
    )
    loss(found.x)
    return found.x * start, found.fun


def put_gemm(values):
    launch, busy, kernels.READ_SHARE, kernels.REDUCE_SHARE, kernels.EXTRA_K = values
    old = kernels.SOFTWARE["trtllm-2025"]
    kernels.SOFTWARE["trtllm-2025"] = dataclasses.replace(old, launch_s=launch, busy_share={"bf16": min(busy, 1.0)})


def put_torch(values):
    host, busy = values
    old = kernels.SOFTWARE["torch-eager"]
    kernels.SOFTWARE["torch-eager"] = dataclasses.replace(
        old, host_s=host, busy_share={**old.busy_share, "bf16": min(busy, 1.0)}
    )


def put_attention(values):
    launch, *shares, rows, kernels.ATTENTION_SHARE = values
    old = kernels.SOFTWARE["trtllm-2025"]
    one = kernels.Attention(dict(zip((64, 128, 192, 256), shares, strict=True)), (rows, rows / 2))
    kernels.SOFTWARE["trtllm-2025"] = dataclasses.replace(old, attention_launch_s=launch, attention={"trtllm": one})


def main() -> None:
    rows = rows_of("aiconfigurator", "gemm")
    print(
        len(rows),
        "products: launch, busy, read, reduce, extra k",
        *fitted(rows, [2.6e-6, 0.83, 0.8, 0.019, 200.0], put_gemm),
    )
    rows = [row for row in rows_of("terp-h100", "gemm") if row.text["dtype"] == "bf16"]
    print(len(rows), "products in PyTorch: host, busy", *fitted(rows, [17e-6, 0.73], put_torch))
    rows = rows_of("aiconfigurator", "attn")
    print(
        len(rows),
        "attentions: launch, shares, rows, read",
        *fitted(rows, [16e-6, 0.48, 0.57, 0.52, 0.56, 1100.0, 0.25], put_attention),
    )


if __name__ == "__main__":
    main()
