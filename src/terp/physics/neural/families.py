"""A model's description and the length of its samples -> its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from terp.describe import ModelFile
from terp.physics.neural.convolutions import resnet_work, unet_work
from terp.physics.neural.proteins import evoformer_work
from terp.physics.neural.transformer import transformer_work
from terp.physics.neural.weather import afno_work, mesh_work
from terp.physics.neural.work import Work

WORKS: Final[dict[str, Callable[[Any, int], Work]]] = {
    "transformer": transformer_work,
    "unet": unet_work,
    "resnet": resnet_work,
    "afno": afno_work,
    "mesh-gnn": mesh_work,
    "evoformer": evoformer_work,
}
"""Family -> what makes the work of its models.  `terp.extend.model_family` adds to it."""


def work_of(model: ModelFile, tokens: int = 0) -> Work:
    """The work of a model on samples of so many tokens; a model of images and volumes has its own size and takes 0.

    model    the description of the network;  tokens   of a sequence, for models of sequences
    """
    return WORKS[getattr(model, "family", "")](model, tokens)
