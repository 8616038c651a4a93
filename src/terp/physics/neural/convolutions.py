"""The work of networks of convolutions: U-Nets of volumes and images, and residual networks.

A convolution is a product of its output points with its kernel: rows are points, depth is input channels times taps.
Passes are counted in PyTorch, called one by one, in 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.describe import ResNetModel, UNetModel
from terp.physics.neural.work import Layer, PlaneNorm, Product, Work


@dataclass(frozen=True)
class ConvolutionBytes:
    """Bytes that are moved or kept beside convolutions, per value: of a norm over planes; of an activation, a copy or one
    side of a concatenation; of a sum; of bringing channels last and back; of a class and point of softmax and loss; and
    kept for the backward.
    """

    PLACE: ClassVar[str] = "networks.convolutions"
    norm_bytes: float
    activation_bytes: float
    sum_bytes: float
    layout_bytes: float
    loss_bytes: float
    kept_bytes: float


def _bytes() -> ConvolutionBytes:
    return constants(ConvolutionBytes)


@dataclass(frozen=True)
class _Block:
    """A convolution with what follows it: its product, and the bytes that are moved and kept beside it."""

    product: Product
    moved_bytes: float
    kept_bytes: float
    input_bytes: float
    other_parameters_count: int
    launches_count: int
    norm: PlaneNorm | None = None


def unet_work(model: UNetModel, _: int) -> Work:
    """The work of a U-Net on one patch.

    Level l has points p_l = p_(l-1) / strides and f_l channels.  Down, c convolutions a level, the first strided; up, a
    transposed convolution whose kernel is its stride, then c convolutions of what came up beside what came down.
    """
    points = [float(prod(model.patch_size))]
    for strides in model.strides[1:]:
        points.append(points[-1] / prod(strides))
    features, levels = model.features_count, len(model.features_count)
    layers = []
    for level in range(levels):
        into = features[level - 1] if level else model.channels_count
        layers.append(_down(model, level, into, points))
    for level in reversed(range(levels - 1)):
        layers.append(_up(model, level, points))
        if 1 <= level <= model.supervised_count:
            layers.append(_classes(model, features[level], points[level], "supervision"))
    return Work(
        layers=tuple(layers),
        head=_classes(model, features[0], points[0], "head"),
        embedding_parameters_count=0,
        tokens_count=0,
        residual_bytes=2.0 * points[0] * features[0],
        input_bytes=4.0 * points[0] * model.channels_count + points[0],
    )


def _down(model: UNetModel, level: int, into: int, points: list[float]) -> Layer:
    """Convolutions of a level on the way down."""
    first = _volume(model, level, into, points[max(level - 1, 0)], points[level])
    return _layer(f"down {level}", [first, *_same(model, level, points, model.convolutions_count - 1)])


def _up(model: UNetModel, level: int, points: list[float]) -> Layer:
    """Up from the level below, beside what came down, and convolutions."""
    below, here, taps = model.features_count[level + 1], model.features_count[level], prod(model.strides[level + 1])
    values = points[level] * here
    up = _Block(
        product=Product(points[level + 1], here * taps, below),
        moved_bytes=_bytes().layout_bytes * (points[level + 1] * below + values) + 2 * _bytes().activation_bytes * values,
        kept_bytes=0.0,
        input_bytes=_bytes().kept_bytes * values,
        other_parameters_count=here,
        launches_count=6,
    )
    first = _volume(model, level, 2 * here, points[level], points[level])
    return _layer(f"up {level}", [up, first, *_same(model, level, points, model.convolutions_count - 1)])


def _same(model: UNetModel, level: int, points: list[float], count: int) -> list[_Block]:
    here = model.features_count[level]
    return [_volume(model, level, here, points[level], points[level])] * count


def _volume(model: UNetModel, level: int, into: int, points_in: float, points_out: float) -> _Block:
    """A convolution, its instance norm and its leaky ReLU, each read and written; channels come last for the product."""
    taps, out = prod(model.kernels[level]), model.features_count[level]
    values = points_out * out
    around = _bytes().layout_bytes * (points_in * into + values) if len(model.patch_size) == 3 else 0.0
    return _Block(
        product=Product(points_out, out, into * taps, taps_count=taps, leaf=level == 0 and into == model.channels_count),
        moved_bytes=around + (_bytes().norm_bytes + _bytes().activation_bytes) * values,
        kept_bytes=2 * _bytes().kept_bytes * values,
        input_bytes=_bytes().kept_bytes * values,
        other_parameters_count=(3 if model.biased else 2) * out,
        launches_count=10,
        norm=PlaneNorm(out, points_out),
    )


def _classes(model: UNetModel, features: int, points: float, name: str) -> Layer:
    """Classes of each point, and their loss."""
    values = points * model.classes_count
    return Layer(
        name=name,
        count=1,
        products=(Product(points, model.classes_count, features),),
        moved_bytes=_bytes().layout_bytes * points * features + _bytes().loss_bytes * values,
        kept_residual_bytes=6.0 * values,
        other_parameters_count=model.classes_count,
        launches_count=8,
    )


def resnet_work(model: ResNetModel, _: int) -> Work:
    """The work of a residual network on one image, channels last.

    Stem: 7 x 7 of stride 2 and a pooling of stride 2.  A block has 1 x 1, 3 x 3 and 1 x 1 convolutions, or two of 3 x 3
    without expansion; the first of a stage has one more, 1 x 1, beside them where sizes change.
    """
    side = -(-model.image_size // 2)
    values = float(side * side * model.base_size)
    stem = _image(side * side, model.base_size, model.channels_count, 7, leaf=True)
    side = -(-side // 2)
    pooled = _bytes().activation_bytes * values + 6.0 * side * side * model.base_size
    layers = [_layer("stem", [stem], moved_bytes=pooled, launches=1)]
    into = model.base_size
    for stage, count in enumerate(model.blocks_count):
        inside = model.base_size * 2**stage
        out = inside * model.expansion_count
        wide, side = side, -(-side // 2) if stage else side
        changed = into != out or wide != side
        layers.append(_residual(f"stage {stage + 1}, first", 1, (into, inside, out), (wide, side), changed=changed))
        if count > 1:
            layers.append(_residual(f"stage {stage + 1}", count - 1, (out, inside, out), (side, side)))
        into = out
    head = Layer(
        name="head",
        count=1,
        products=(Product(1.0, model.classes_count, into),),
        moved_bytes=2.0 * side * side * into + _bytes().loss_bytes * model.classes_count,
        other_parameters_count=model.classes_count,
        launches_count=6,
    )
    pixels = float(model.image_size**2 * model.channels_count)
    return Work(tuple(layers), head, 0, 0, 2.0 * values, pixels)


def _residual(
    name: str, count: int, channels: tuple[int, int, int], sides: tuple[int, int], *, changed: bool = False
) -> Layer:
    """A residual block: of three convolutions if it expands, else of two; the sum is added and goes through a ReLU."""
    (into, inside, out), (wide, side) = channels, sides
    points = side * side
    if inside != out:
        blocks = [
            _image(wide * wide, inside, into, 1),
            _image(points, inside, inside, 3),
            _image(points, out, inside, 1, active=False),
        ]
    else:
        blocks = [_image(points, inside, into, 3), _image(points, out, inside, 3, active=False)]
    if changed:
        blocks.append(_image(points, out, into, 1, active=False))
    added = (_bytes().sum_bytes + _bytes().activation_bytes) * points * out
    return _layer(name, blocks, count=count, moved_bytes=added, launches=2)


def _image(points: int, out: int, into: int, side: int, *, active: bool = True, leaf: bool = False) -> _Block:
    """A convolution of an image with its batch norm, and a ReLU in place."""
    values = float(points * out)
    return _Block(
        product=Product(float(points), out, into * side * side, taps_count=side * side, leaf=leaf),
        moved_bytes=(_bytes().norm_bytes + (_bytes().activation_bytes if active else 0.0)) * values,
        kept_bytes=_bytes().kept_bytes * values,
        input_bytes=_bytes().kept_bytes * values,
        other_parameters_count=2 * out,
        launches_count=7 if active else 6,
    )


def _layer(name: str, blocks: list[_Block], *, count: int = 1, moved_bytes: float = 0.0, launches: int = 0) -> Layer:
    """Convolutions that follow one another, as one layer."""
    return Layer(
        name=name,
        count=count,
        products=tuple(block.product for block in blocks),
        norms=tuple(block.norm for block in blocks if block.norm),
        moved_bytes=moved_bytes + sum(block.moved_bytes for block in blocks),
        kept_residual_bytes=sum(block.kept_bytes for block in blocks),
        input_residual_bytes=sum(block.input_bytes for block in blocks),
        other_parameters_count=sum(block.other_parameters_count for block in blocks),
        launches_count=launches + sum(block.launches_count for block in blocks),
    )
