"""Fits the constants of kernels to the fit rows of validation/aiconfigurator and validation/terp-h100, and prints them.

python scripts/fit_kernels.py      (needs scipy: pip install 'terp[data]')
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.optimize import minimize

from terp.catalogue import read_reference
from terp.physics.gpu import kernels
from terp.validate.chips.kernel_grades import predict
from terp.validate.chips.kernel_rows import is_for_fitting, shipped_rows
from terp.validate.grading.split import groups_for_fitting

STARTS = {
    "a100-sxm-80gb": ("ampere", [1.5, 1.0, 0.2, 0.1], [1.0, 0.5]),
    "b200-sxm-180gb": ("blackwell", [0.8, 1.0, 0.2, 0.01], [1.0, 1.5]),
}
"""GPU -> its architecture, and where the fits of its products and of its attention start."""


def rows_of(source: str, kind: str, gpu: str = "") -> list:
    gpu = gpu or read_reference().record.gpu
    rows = [row for row in shipped_rows() if (row.source, row.kind, row.gpu) == (source, kind, gpu)]
    return [row for row in rows if is_for_fitting(row)]


def fitted(rows: list, start: list[float], put) -> tuple[np.ndarray, float]:
    """The constants that make the mean error without sign of the logarithm least."""
    measured = np.array([row.value for row in rows])

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
    launch, busy, kernels.READ_SHARE, reduce, kernels.EXTRA_K = values
    kernels.TILING["hopper"] = kernels.Tiling(1.0, 1.0, 0.0, reduce)
    old = kernels.SOFTWARE["trtllm-2025"]
    kernels.SOFTWARE["trtllm-2025"] = dataclasses.replace(old, launch_s=launch, busy_share={"bf16": min(busy, 1.0)})


def put_tiling(architecture):
    def put(values):
        kernels.TILING[architecture] = kernels.Tiling(*values)

    return put


def put_torch(values):
    host, busy = values
    old = kernels.SOFTWARE["torch-eager"]
    kernels.SOFTWARE["torch-eager"] = dataclasses.replace(
        old, host_s=host, busy_share={**old.busy_share, "bf16": min(busy, 1.0)}
    )


def put_attention(values):
    launch, *shares, rows, kernels.ATTENTION_SHARE = values
    one = kernels.Attention(dict(zip((64, 128, 192, 256), shares, strict=True)), (rows, rows / 2))
    put_trtllm("trtllm", one, launch)


def put_attention_of(architecture):
    def put(values):
        old = kernels.SOFTWARE["trtllm-2025"]
        put_trtllm(f"trtllm, {architecture}", kernels.scaled(old.attention["trtllm"], *values), old.attention_launch_s)

    return put


def put_trtllm(name, one, launch):
    old = kernels.SOFTWARE["trtllm-2025"]
    kernels.SOFTWARE["trtllm-2025"] = dataclasses.replace(
        old, attention_launch_s=launch, attention={**old.attention, name: one}
    )


def main() -> None:
    rows = rows_of("aiconfigurator", "gemm")
    print(
        len(rows), "products: launch, busy, read, reduce, depth", *fitted(rows, [2.6e-6, 0.83, 0.8, 0.019, 200.0], put_gemm)
    )
    rows = [row for row in rows_of("terp-h100", "gemm") if row.text["dtype"] == "bf16"]
    print(len(rows), "products in PyTorch: host, busy", *fitted(rows, [17e-6, 0.73], put_torch))
    rows = rows_of("aiconfigurator", "attn")
    start = [16e-6, 0.48, 0.57, 0.52, 0.56, 1100.0, 0.25]
    print(len(rows), "attentions: launch, shares, rows, read", *fitted(rows, start, put_attention))
    for gpu in sorted(groups_for_fitting("aiconfigurator")):
        architecture, products, attention = STARTS[gpu]
        rows = rows_of("aiconfigurator", "gemm", gpu)
        found = fitted(rows, products, put_tiling(architecture))
        print(len(rows), f"products of {architecture}: launch, busy, exposed, reduce", *found)
        rows = rows_of("aiconfigurator", "attn", gpu)
        print(
            len(rows), f"attentions of {architecture}: share, rows", *fitted(rows, attention, put_attention_of(architecture))
        )


if __name__ == "__main__":
    main()
