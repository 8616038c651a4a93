"""Options of a training, of one step and of a search alike: their words, their help, and their keywords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypedDict

import click

from terp.views.cli.words.names import named, of_words
from terp.views.cli.words.quantities import COUNT
from terp.views.cli.words.suggestions import KnownWord

PRECISIONS: Final = ("bf16", "fp16", "tf32", "fp32", "fp8", "fp8-row", "fp8-block", "mxfp8", "fp4")
"""Precisions to complete; `physics/precisions.yaml` says which there are."""
OPTIMIZERS: Final = ("adamw", "adamw-8bit", "sgd", "sgd-plain")
"""Optimizers to complete; `physics/training.yaml` says which there are."""


class TrainingWords(TypedDict):
    """Options of a training that a search has too, by the keywords of both calls; numbers as they were typed.

    None means that the option was not given: the prediction then chooses, as its help says.

    The numbers are read by the record of the call, so that the terminal and Python refuse the same ones.
    """

    global_batch: str
    seq: str | None
    gpus: str | None
    tp: str | None
    pp: str | None
    vp: str | None
    cp: str | None
    ep: str | None
    micro_batch: str | None
    zero: str | None
    shard: str | None
    recompute: str | None
    recompute_every: str | None
    tp_overlap: bool | None
    dp_overlap: bool | None
    cp_kind: str
    etp: str | None
    dispatcher: str | None
    gradients: str | None
    adapters: bool
    rank: str | None
    base: str
    states: str
    optimizer: str
    precision: str
    software: str | None
    tokens: str | None
    gpu_hour: str | None


_COUNT: Final = "COUNT"
"""Of options that take a whole number, as people type it: 64, 8k, 1T."""
_OPTIONS: Final = (
    click.option(
        "--model",
        required=True,
        metavar="MODEL",
        shell_complete=named("models"),
        help="A model that ships (`terp list models`), a model file, a hub's folder with its config.json, or an id such as "
        "meta-llama/Llama-3.1-8B.",
    ),
    click.option("--as", "read_as", metavar="TYPE", help="Read a config.json as of this model_type, such as llama."),
    click.option(
        "--gpus", type=COUNT, metavar=_COUNT, help="GPUs of the job; all if not given. With --search, at most so many."
    ),
    click.option(
        "--seq", type=COUNT, metavar=_COUNT, help="Tokens of a sequence, such as 8k; not for models of images and volumes."
    ),
    click.option("--global-batch", type=COUNT, metavar=_COUNT, required=True, help="Samples of a step, over all replicas."),
    click.option(
        "--tokens",
        type=COUNT,
        metavar=_COUNT,
        help="Tokens of the whole run, such as 1T, or samples: days with failures, energy, euros; of each line of --search.",
    ),
    click.option("--gpu-hour", metavar="EUR", help="Price of a GPU and hour, such as 2.5: adds the hire."),
    click.option(
        "--precision",
        default="bf16",
        metavar="NAME",
        show_default=True,
        shell_complete=of_words(*PRECISIONS),
        help="Of matrix products: bf16, fp16, tf32, fp32, fp8 (a scale a tensor), fp8-row, fp8-block, mxfp8 or fp4, as far "
        "as the GPU has it.",
    ),
    click.option("--tp", type=COUNT, metavar=_COUNT, help="Tensor parallelism: GPUs that share a layer."),
    click.option("--pp", type=COUNT, metavar=_COUNT, help="Pipeline stages."),
    click.option("--vp", type=COUNT, metavar=_COUNT, help="Parts of a stage that take turns (interleaving)."),
    click.option("--cp", type=COUNT, metavar=_COUNT, help="Context parallelism: GPUs that share a sequence."),
    click.option("--ep", type=COUNT, metavar=_COUNT, help="Expert parallelism: GPUs that share the experts."),
    click.option(
        "--micro-batch", type=COUNT, metavar=_COUNT, help="Samples of a micro-batch; the fastest that fits if not given."
    ),
    click.option(
        "--zero",
        type=COUNT,
        metavar="0..3",
        help="Sharded over replicas: 0 nothing, 1 the optimizer's state, 2 gradients, 3 weights (FSDP).",
    ),
    click.option("--shard", type=COUNT, metavar=_COUNT, help="GPUs that share the shards; all replicas if not given."),
    click.option(
        "--recompute",
        type=KnownWord(["none", "selective", "ops", "full"]),
        help="Activations that are computed again: none, selective (attention), ops (by operation, as PyTorch does) or "
        "full; as few layers as fit if not given.",
    ),
    click.option("--recompute-every", type=COUNT, metavar=_COUNT, help="Compute every so-many-th layer again, whole."),
    click.option(
        "--tp-overlap/--no-tp-overlap",
        default=None,
        help="Whether exchanges of tensor parallelism hide behind products; as the software does it if not given.",
    ),
    click.option(
        "--dp-overlap/--no-dp-overlap",
        default=None,
        help="Whether exchanges of gradients and weights hide behind work; as the software does it if not given.",
    ),
    click.option(
        "--cp-kind",
        type=KnownWord(["ring", "heads"]),
        default="ring",
        show_default=True,
        help="How context parallelism exchanges: keys round a ring, or all-to-alls of heads (Ulysses).",
    ),
    click.option("--etp", type=COUNT, metavar=_COUNT, help="GPUs that share each expert; the usual if not given."),
    click.option(
        "--dispatcher",
        type=KnownWord(["all-to-all", "deepep", "hybridep"]),
        help="How tokens go to their experts; as the software does it if not given.",
    ),
    click.option(
        "--gradients", type=KnownWord(["bf16", "fp32"]), help="In which gradients are kept; the software's if not given."
    ),
    click.option("--no-sequence-parallel", is_flag=True, help="Tensor parallelism without sequence parallelism."),
    click.option("--adapters", "--lora", is_flag=True, help="Train adapters alone on frozen weights (LoRA)."),
    click.option("--rank", type=COUNT, metavar=_COUNT, help="Inner size of the adapters, such as 16; asks for --adapters."),
    click.option("--qlora", is_flag=True, help="The same as --adapters --base nf4."),
    click.option(
        "--base",
        type=KnownWord(["bf16", "nf4"]),
        default="bf16",
        show_default=True,
        help="Format of the frozen weights under adapters; nf4, of 4 bits, is QLoRA.",
    ),
    click.option(
        "--states",
        type=KnownWord(["mixed", "bf16"]),
        default="mixed",
        show_default=True,
        help="What the optimizer keeps: mixed, 32 bits and master weights; bf16, all in 16 bits.",
    ),
    click.option(
        "--optimizer",
        default="adamw",
        metavar="NAME",
        show_default=True,
        shell_complete=of_words(*OPTIMIZERS),
        help="adamw, adamw-8bit, sgd, or sgd-plain without momentum.",
    ),
    click.option(
        "--software",
        metavar="NAME",
        shell_complete=named("software", files=False),
        help="Generation of the training software (`terp list software`); megatron-2024 if not given, or eager for images "
        "and volumes.",
    ),
)
"""In the order of the help."""


def training_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all options of a training.

    command   a function that click makes a command of; it is given back with the options
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
