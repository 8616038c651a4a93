"""A family of neural networks of one's own: the MLP-Mixer (Tolstikhin 2021), images as patches, no attention.

Run it, or let the terminal load it:

    TERP_PLUGINS=examples/own_model_family.py terp predict gefion train --model mixer.yaml --global-batch 4096 --gpus 512
"""

import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field

import terp
from terp.extend import Layer, ModelFile, Product, Work
from terp.physics import work_of
from terp.units import number

FILE = """kind: model
name: mixer-l16
title: "MLP-Mixer L/16"
family: mlp-mixer
layers: 24
hidden: 1024
inner: 4096
token_inner: 512
image: 224
patch: 16
channels: 3
classes: 1000
"""


class MixerModel(ModelFile):
    """The shape of an MLP-Mixer; in the file without `_count` and `_size`.

    inner_size, token_inner_size   inside the products of channels, and of patches
    image_size, patch_size         points an axis
    """

    family: Literal["mlp-mixer"]
    layers_count: int = Field(ge=1, le=1000)
    hidden_size: int = Field(ge=1, le=10**6)
    inner_size: int = Field(ge=1, le=10**7)
    token_inner_size: int = Field(ge=1, le=10**7)
    image_size: int = Field(ge=1, le=10**5)
    patch_size: int = Field(ge=1, le=1024)
    channels_count: int = Field(ge=1, le=10**4)
    classes_count: int = Field(ge=1, le=10**7)


def misfits(model: MixerModel) -> list[tuple[tuple[str, ...], str, str]]:
    """What is wrong with a shape: the key, what, and what would do."""
    if model.image_size % model.patch_size:
        return [(("patch",), f"does not divide the image of {model.image_size}", "a divisor would do")]
    return []


@terp.extend.model_family("mlp-mixer", MixerModel, misfits)
def mixer_work(model: MixerModel, _: int) -> Work:
    """The work of one image, forward: each layer mixes patches, then channels."""
    patches = (model.image_size // model.patch_size) ** 2
    rows, hidden, pixels = float(patches), model.hidden_size, model.channels_count * model.patch_size**2
    values = rows * hidden
    inner = rows * model.inner_size + float(hidden) * model.token_inner_size
    layer = Layer(
        name="mixer",
        count=model.layers_count,
        products=(
            Product(float(hidden), model.token_inner_size, patches),
            Product(float(hidden), patches, model.token_inner_size),
            Product(rows, model.inner_size, hidden, split="columns"),
            Product(rows, hidden, model.inner_size, split="depth"),
        ),
        residual_values_count=values,
        inner_values_count=inner,
        kept_residual_bytes=8.0 * values,
        kept_inner_bytes=2.0 * inner,
        input_residual_bytes=4.0 * values,
        input_inner_bytes=2.0 * inner,
        other_parameters_count=4 * hidden + hidden + model.inner_size + patches + model.token_inner_size,
        launches_count=16,
    )
    cut = Layer("patches", 1, (Product(rows, hidden, pixels, leaf=True),), other_parameters_count=hidden, launches_count=3)
    head = Layer("head", 1, (Product(1.0, model.classes_count, hidden),), other_parameters_count=model.classes_count)
    return Work((cut, layer), head, 0, 0, 2.0 * values, 4.0 * patches * pixels)


def main() -> None:
    """Reads a model file of the family, and says what a training step on it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mixer.yaml"
        path.write_text(FILE, encoding="utf-8")
        model = terp.model(path)
    work = work_of(model.record)
    print(
        model.record.title,
        number(work.parameters_count / 1e6),
        "million parameters",
        number(work.flop / 1e9),
        "Gflop an image",
    )


if __name__ == "__main__":
    main()
