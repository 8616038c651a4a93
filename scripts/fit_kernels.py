"""Fits the constants of kernels to the fit rows of validation/aiconfigurator and validation/terp-h100.

python scripts/fit_kernels.py [--write]      (needs scipy: pip install 'terp[data]')
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from fitting import Fitted, least, ranges, report

from terp.catalogue import constants, read_reference, with_constants
from terp.physics.gpu.architectures import Architectures, Tiling
from terp.physics.gpu.kernels import Attention, AttentionScale, KernelConstants
from terp.validate.chips.kernel_grades import predict
from terp.validate.chips.kernel_rows import is_for_fitting, shipped_rows

STARTS = {
    "a100-sxm-80gb": ("ampere", (1.5, 1.0, 0.2, 0.1), (1.0, 0.5)),
    "b200-sxm-180gb": ("blackwell", (0.8, 1.0, 0.2, 0.01), (1.0, 1.5)),
}
"""GPU -> its architecture, and where the fits of its GEMM and of its attention start."""
TILING = ("launch", "busy", "exposed", "reduce")
SIZES = (64, 128, 192, 256)
Change = Callable[[Sequence[float]], tuple[object, ...]]


def rows_of(source: str, kind: str, gpu: str = "") -> list:
    """Rows that are for fitting, of a source, a kind of kernel and a GPU, the reference if none is named."""
    gpu = gpu or read_reference().record.gpu
    rows = [row for row in shipped_rows() if (row.source, row.kind, row.gpu) == (source, kind, gpu)]
    return [row for row in rows if is_for_fitting(row)]


def fit(title: str, rows: list, paths: Sequence[str], start: Sequence[float], changed: Change) -> tuple[object, ...]:
    """Fits what `changed` makes of values, so that the mean error of the logarithms is least; the changed records."""
    measured = np.array([row.value for row in rows])

    def loss(values) -> float:
        with with_constants(*changed(values)):
            return float(np.mean(np.abs(np.log(np.array([predict(row) for row in rows]) / measured))))

    values, left = least(loss, start)
    found = [Fitted(path, value, *end) for path, value, end in zip(paths, values, ranges(loss, values), strict=True)]
    report(f"{title}: {len(rows)} rows, mean error {left:.4f}", found)
    return changed(values)


def software(known: KernelConstants, name: str, busy: float, **values: float) -> KernelConstants:
    """Constants of kernels with others of one software."""
    old = known.software[name]
    new = replace(old, busy_fraction={**old.busy_fraction, "bf16": min(busy, 1.0)}, **values)
    return replace(known, software={**known.software, name: new})


def gemm(values) -> tuple[object, ...]:
    launch, busy, read, reduce, depth = values
    known = constants(KernelConstants)
    known = replace(known, gemm=replace(known.gemm, read_fraction=read, extra_depth_ratio=depth))
    tiling = Tiling(1.0, 1.0, 0.0, reduce)
    return software(known, "trtllm-2025", busy, launch_s=launch), constants(Architectures).changed("hopper", tiling=tiling)


def torch(values) -> tuple[object, ...]:
    host, busy = values
    return (software(constants(KernelConstants), "torch-eager", busy, host_s=host),)


def attention(values) -> tuple[object, ...]:
    launch, *shares, rows, read = values
    known = constants(KernelConstants)
    kernel = replace(known.attention["trtllm"], hopper=Attention(dict(zip(SIZES, shares, strict=True)), rows, rows / 2))
    engine = replace(known.software["trtllm-2025"], attention_launch_s=launch)
    return (
        replace(
            known,
            gemm=replace(known.gemm, attention_read_fraction=read),
            attention={**known.attention, "trtllm": kernel},
            software={**known.software, "trtllm-2025": engine},
        ),
    )


def tiling_of(architecture: str) -> Change:
    return lambda values: (constants(Architectures).changed(architecture, tiling=Tiling(*values)),)


def attention_of(architecture: str) -> Change:
    def changed(values) -> tuple[object, ...]:
        known = constants(KernelConstants)
        kernel = known.attention["trtllm"]
        kernel = replace(kernel, scaled={**kernel.scaled, architecture: AttentionScale(*values)})
        return (replace(known, attention={**known.attention, "trtllm": kernel}),)

    return changed


def main() -> None:
    engine, of = "kernels.software.trtllm-2025", "architectures.architectures"
    paths = (
        f"{engine}.launch",
        f"{engine}.busy.bf16",
        "kernels.gemm.read",
        f"{of}.hopper.tiling.reduce",
        "kernels.gemm.extra_depth",
    )
    records = fit("GEMM", rows_of("aiconfigurator", "gemm"), paths, (2.6e-6, 0.83, 0.8, 0.019, 200.0), gemm)
    with with_constants(*records):
        rows = [row for row in rows_of("terp-h100", "gemm") if row.text["dtype"] == "bf16"]
        eager = "kernels.software.torch-eager"
        fit("GEMM in PyTorch", rows, (f"{eager}.host", f"{eager}.busy.bf16"), (17e-6, 0.73), torch)
        kernel = "kernels.attention.trtllm.hopper"
        paths = (
            f"{engine}.attention_launch", *(f"{kernel}.peak.value.{size}" for size in SIZES), f"{kernel}.causal_rows",
            "kernels.gemm.attention_read",
        )  # fmt: skip
        start = (16e-6, 0.48, 0.57, 0.52, 0.56, 1100.0, 0.25)
        records = fit("attention", rows_of("aiconfigurator", "attn"), paths, start, attention)
        with with_constants(*records):
            for gpu, (name, gemm_start, attention_start) in STARTS.items():
                paths = [f"{of}.{name}.tiling.{key}" for key in TILING]
                rows = rows_of("aiconfigurator", "gemm", gpu)
                with with_constants(*fit(f"GEMM of {name}", rows, paths, gemm_start, tiling_of(name))):
                    paths = [f"kernels.attention.trtllm.scaled.{name}.{key}" for key in ("peak", "rows")]
                    rows = rows_of("aiconfigurator", "attn", gpu)
                    fit(f"attention of {name}", rows, paths, attention_start, attention_of(name))


if __name__ == "__main__":
    main()
