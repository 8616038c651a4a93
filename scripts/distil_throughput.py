"""Distils how much each GPU gets done over an H100 SXM 80 GB, from tables of published measurements.

    python scripts/distil_throughput.py MINUTES.csv STEPS.csv INFERENCE.csv scripts/throughput_read.csv \\
        src/terp/catalogue/throughput.yaml

MINUTES    MLPerf Training: round, benchmark, accelerator, accelerators, minutes
STEPS      training steps: model, seq_len, global_batch, gpus, gpu, precision, step_time_s, source
INFERENCE  tokens or samples a second a GPU: model, isl, osl, scenario, gpu, gpus, precision, source
READ       results of AMD's GPUs and of the B300 that were read one by one, with where

A pair is the same benchmark on as many GPUs of two kinds: of minutes in the same round, or with the H100's of the latest
round before; of steps with the same batch, in one round or from one page.  All entries of a kind in a pair are one, their
median.  A ratio is the median over benchmarks of their median pairs, since most pairs are of one benchmark.  Its range goes
from the 10th to the 90th percentile of ten pairs or more, holds all of fewer, and is at least 10 % either way, since
vendors' entries of like systems differ by that.  FP4 is compared apart in training, where FP8 is there too.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median, quantiles

import yaml

H100 = "h100-sxm-80gb"
B200 = "b200-sxm-180gb"
NAMES = {
    "NVIDIA H100-SXM5-80GB": H100, "NVIDIA H100-SXM-80GB": H100, "NVIDIA H100 80GB HBM3": H100, "H100 SXM 80GB": H100,
    "NVIDIA H100-PCIe-80GB": "h100-pcie-80gb", "NVIDIA A100-SXM-80GB CTS": "a100-sxm-80gb", "A100 SXM 80GB": "a100-sxm-80gb",
    "NVIDIA A100-SXM4-80GB": "a100-sxm-80gb", "NVIDIA A100-SXM-40GB": "a100-sxm-40gb", "A100 SXM 40GB": "a100-sxm-40gb",
    "NVIDIA H200-SXM5-141GB": "h200-sxm-141gb", "NVIDIA H200-SXM-141GB": "h200-sxm-141gb",
    "H200 SXM 141GB": "h200-sxm-141gb", "NVIDIA Blackwell GPU (B200-SXM-180GB)": "b200-sxm-180gb",
    "NVIDIA B200-SXM-180GB": "b200-sxm-180gb", "B200 SXM 180GB": "b200-sxm-180gb", "B200": "b200-sxm-180gb",
    "B300": "b300-sxm-288gb", "NVIDIA Blackwell GPU (GB200)": "gb200", "GB200 192GB": "gb200", "GB200": "gb200",
    "GB300": "gb300", "AMD Instinct MI300X 192GB HBM3": "mi300x",
    "NVIDIA GH200 Grace Hopper Superchip 96GB": "gh200-96gb", "NVIDIA GH200 Grace Hopper Superchip 144GB": "gh200-144gb",
}  # fmt: skip
"""Names in the tables -> accelerators of the catalogue."""
PEERS = {"mi355x": B200}
"""GPUs that were measured beside another in more of the same benchmarks than beside an H100."""
FOUR = ("b200-sxm-180gb", "gb200")
"""GPUs that answer in FP4 in the tables, where others do in FP8."""
RELAYED = ("mi355x", "b300-sxm-288gb", "gb300")
READ_FROM = dict.fromkeys(RELAYED, "mlperf-inference-relayed") | {
    "mi300x": "mlperf-inference-summary",
    "gb300": "mlperf-inference-checked",
}
"""Sources of rates of inference that are not in the tables."""
LIKE = {
    "mi300x": (H100, "mi300x", H100), "mi355x": (B200, "mi355x", B200), "b300-sxm-288gb": (B200, "b300-sxm-288gb", B200),
    "gb300": ("gb200", "b300-sxm-288gb", B200),
}  # fmt: skip
"""GPUs that are not in the table of answers -> one that is, and the two whose ratio scales it."""
LEFT_OUT = ("tinycorp", "JuniperNetworks")
"""Submitters of MLPerf Training whose times say little of the GPU: a framework of its own; a study of networks, three to four
times slower than all others on the same GPUs."""
SAME = {"llama2-70b-lora": "Llama-2 70B (LoRA)", "llama3.1-405b": "Llama-3.1 405B", "gpt3-175b": "GPT-3 175B"}
"""Benchmarks that the tables of minutes and of steps call by other names."""
ANSWERS = ("Llama-3.3 70B", "1000", "1000")
"""Model and lengths whose rate stands for answering."""
ALSO = (("500", "2000"), ("1000", "2000"), ("2048", "2048"))
"""Lengths that bound it."""

Pairs = dict[tuple[str, str], dict[str, list[float]]]  # accelerator, over -> benchmark -> ratios


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def add(pairs: Pairs, chip: str, over: str, what: str, ratio: float) -> None:
    pairs.setdefault((chip, over), defaultdict(list))[what].append(ratio)


def minutes_pairs(path: str, pairs: Pairs) -> None:
    """MLPerf's times to train; a shorter one is more work."""
    times: dict[tuple[str, str], dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows(path):
        chip = NAMES.get(row["accelerator"])
        if chip and row["accelerators"] and row["round"].startswith("v") and row["submitter"] not in LEFT_OUT:
            times[row["benchmark"], row["accelerators"]][row["round"], chip].append(float(row["minutes"]))
    for (what, _), found in times.items():
        for (edition, chip), values in found.items():
            rounds = [other for other, kind in found if kind == H100 and other <= edition]
            if chip != H100 and rounds:
                add(pairs, chip, H100, f"MLPerf {SAME.get(what, what)}", median(found[max(rounds), H100]) / median(values))


def step_pairs(path: str, pairs: Pairs, fp4: Pairs, rates: dict[tuple[str, str], list[float]]) -> None:
    """Steps of the MLPerf round whose minutes are not there, and of NVIDIA's own pages."""
    times: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows(path):
        chip, page = NAMES.get(row["gpu"]), row["source"].split(" [")[0].split(":")[0]
        if not chip or not row["step_time_s"] or not row["global_batch"]:
            continue
        step_s, four = float(row["step_time_s"]), "fp4" in row["precision"]
        mlperf = page.startswith("mlcommons/training_results")
        latest = page.endswith("v5.1") or (chip == H100 and page.endswith("v4.1"))  # the last with eight H100
        if mlperf and latest and row["gpus"] == "8" and not four:
            rates[chip, row["model"]].append(float(row["global_batch"]) / step_s)
        if mlperf and not page.endswith("v5.1") and not (chip == H100 and page.endswith(("v4.1", "v5.0"))):
            continue  # its minutes are in the other table
        if mlperf or page.startswith("NVIDIA-NeMo/Megatron-Bridge"):
            kind = "8 bit" if "fp8" in row["precision"] or mlperf else row["precision"]
            key = (
                f"{'MLPerf' if mlperf else 'Megatron-Bridge'} {row['model']}",
                row["seq_len"],
                row["global_batch"],
                row["gpus"],
            )
            times[(*key, "4 bit" if four else kind)][chip].append(step_s)
    for key, found in list(times.items()):
        like = (*key[:-1], "8 bit") if key[-1] == "4 bit" else key
        reference = times[like].get(H100)
        for chip, values in found.items():
            if chip != H100 and reference:
                add(fp4 if key[-1] == "4 bit" else pairs, chip, H100, key[0], median(reference) / median(values))


def inference_pairs(path: str, pairs: Pairs) -> tuple[dict[str, set[str]], dict[str, list[float]], dict[str, list[float]]]:
    """Pairs of one page and edition; precisions by accelerator; rates of answers; MLPerf's systems of eight H100."""
    found: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    precisions, answers, eight = defaultdict(set), defaultdict(list), defaultdict(list)
    for row in rows(path):
        chip, mlperf = NAMES.get(row["gpu"]), row["source"].startswith("mlcommons")
        a_gpu = row["out_tok_s_per_gpu"] or (row["samples_s"] and str(float(row["samples_s"]) / float(row["gpus"])))
        if not chip or not a_gpu:
            continue
        page = row["source"].split(":")[0]
        what = f"MLPerf {row['model']} {row['scenario']}" if mlperf else f"TensorRT-LLM {row['model']}"
        found[page, what, row["isl"], row["osl"]][chip].append(float(a_gpu))
        precisions[chip].add(row["precision"])
        if not mlperf and row["model"] == ANSWERS[0] and (row["isl"], row["osl"]) in (ANSWERS[1:], *ALSO):
            answers[f"{chip} {row['isl']} {row['osl']}"].append(float(a_gpu))
        if mlperf and chip == H100 and row["gpus"] == "8":
            eight[f"{row['model']} {row['scenario']}"].append(float(a_gpu))
    for (_, what, _, _), chips in found.items():
        for chip, values in chips.items():
            if chip != H100 and H100 in chips:
                add(pairs, chip, H100, what, median(values) / median(chips[H100]))
    return precisions, answers, eight


def read_pairs(path: str, training: Pairs, inference: Pairs, rates: dict[tuple[str, str], list[float]], eight: dict[str, list[float]]) -> None:  # fmt: skip
    """Results that were read one by one, beside the nearest of the tables."""
    for row in rows(path):
        chip, over, rate = row["accelerator"], row["over"] or H100, float(row["rate"])
        if row["over_rate"]:
            add(inference, chip, over, f"MLPerf {row['what']}", rate / float(row["over_rate"]))
        elif row["work"] == "inference":
            add(inference, chip, over, f"MLPerf {row['what']}", rate / float(row["gpus"]) / median(eight[row["what"]]))
        else:
            add(training, chip, over, f"MLPerf {row['what']}", rate / median(rates[over, row["what"]]))


def summary(found: dict[str, list[float]]) -> tuple[float, float, float, int, int]:
    """Median over benchmarks, its range, numbers of pairs and of benchmarks."""
    every = sorted(ratio for ratios in found.values() for ratio in ratios)
    value = median(median(ratios) for ratios in found.values())
    tenths = quantiles(every, n=10, method="inclusive") if len(every) >= 10 else [every[0], every[-1]]
    return value, min(tenths[0], 0.9 * value), max(tenths[-1], 1.1 * value), len(every), len(found)


def counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def entry(value: float, low: float, high: float, source: str, note: str, digits: int = 2, unit: str = "") -> str:
    """A sourced value in one line."""
    central = f'"{value:.{digits}f} {unit}"' if unit else f"{value:.{digits}f}"
    spread = f"{low:.{digits}f} .. {high:.{digits}f} {unit}".strip()
    return f'{{value: {central}, status: derived, range: "{spread}", source: {source}, note: "{note}"}}'


def trained(chip: str, training: Pairs, fp4: Pairs) -> list[str]:
    """Lines of what a GPU trains, over an H100 or over its peer."""
    over = PEERS.get(chip, H100)
    if (chip, over) not in training:
        return []
    value, low, high, count, kinds = summary(training[chip, over])
    four = [ratio for ratios in fp4.get((chip, over), {}).values() for ratio in ratios]
    told = f"median of {counted(kinds, 'benchmark')}, {counted(count, 'pair')}"
    told += f"; in FP4 up to {max(four):.2f}" if four else ""
    source = "megatron-bridge-steps" if chip == "gb300" else "mlperf-training"
    peer = [f"  peer: {over}"] if over != H100 else []
    return [*peer, f"  training: {entry(value, low, high, source, told)}"]


def inferred(chip: str, inference: Pairs) -> tuple[float, float, float, str] | None:
    """Value, range and note of a GPU's inference over an H100's, some by way of a GPU that was; None if nobody measured."""
    over = next((other for other in (H100, B200, "gb200") if (chip, other) in inference), None)
    if over is None:
        return None
    value, low, high, count, kinds = summary(inference[chip, over])
    told = f"median of {counted(kinds, 'benchmark')}, {counted(count, 'pair')}"
    if over == H100:
        return value, low, high, told
    base = summary(inference[over, H100])[0]
    return value * base, low * base, high * base, f"{told} with the {over.split('-')[0].upper()}, times its own"


def answered(chip: str, inference: Pairs, bits: dict[str, set[str]]) -> list[str]:
    """Lines of how much a GPU infers over an H100."""
    found = inferred(chip, inference)
    if found is None:
        return []
    line = f"  inference: {entry(*found[:3], READ_FROM.get(chip, 'inference-pages'), found[3])}"
    return [line, "  inference_bits: 4"] if chip in RELAYED or "fp4" in bits[chip] else [line]


def answers_line(chip: str, answers: dict[str, list[float]], inference: Pairs) -> list[str]:
    """The line of the rate at which a GPU answers with a model of 70 billion parameters."""
    source, base, ratio = "inference-pages", chip, 1.0
    told = f"{ANSWERS[0]}, {'FP4' if chip in FOUR else 'FP8'}, 1,000 tokens in and 1,000 out, median of"
    if chip in LIKE:
        base, other, over = LIKE[chip]
        ratio = median(r for what, each in inference[other, over].items() if "Llama-2 70B" in what for r in each)
        source, told = READ_FROM[other], f"that of {base} times {ratio:.2f}, Llama-2 70B in MLPerf, {other} over {over};"
    here = [rate * ratio for rate in answers.get(f"{base} {ANSWERS[1]} {ANSWERS[2]}", [])]
    if not here:
        return []
    others = [median(answers[f"{base} {i} {o}"]) * ratio for i, o in ALSO if f"{base} {i} {o}" in answers]
    told += f" {len(here)}; range over 500 to 2,048 in and 2,000 out" if chip not in LIKE else " range as there"
    low, high = min(*others, *here), max(*others, *here)
    return [f"  answers: {entry(median(here), low, high, source, told, 0, '/s')}"]


def main() -> None:
    minutes, steps, inference_path, read, target = sys.argv[1:]
    training: Pairs = {}
    fp4: Pairs = {}
    inference: Pairs = {}
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    minutes_pairs(minutes, training)
    step_pairs(steps, training, fp4, rates)
    bits, answers, eight = inference_pairs(inference_path, inference)
    read_pairs(read, training, inference, rates, eight)
    parts = yaml.safe_load((Path(target).parent / "parts" / "accelerators.yaml").read_text("utf-8"))
    lines = ["# What a GPU gets done over an H100 SXM 80 GB, measured.  Written by scripts/distil_throughput.py."]
    for chip, part in parts.items():
        mine = [*trained(chip, training, fp4), *answered(chip, inference, bits), *answers_line(chip, answers, inference)]
        if mine:
            source = "inference-pages" if "training" not in "".join(mine) else "mlperf-training"
            lines += [f"{chip}:", f"  source: {source}", f'  title: "{part["title"]}"', *mine]
    Path(target).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
