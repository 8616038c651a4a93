"""What model files of the sciences say: networks of volumes, images, fields on the globe, meshes and proteins."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from terp.describe.model_file import ModelFile

Size = Annotated[int, Field(ge=1, le=10**5, strict=True)]
"""A size in a list, in points, channels or layers."""
Wrong = tuple[tuple[str, ...], str, str]
"""What is wrong with a field: its path, what, and what would do."""


class UNetModel(ModelFile):
    """A U-Net of volumes or images: levels of convolutions down, and up again beside what came down (nnU-Net).

    patch_size        points an axis; two axes or three
    features_count     channels a level, from the finest
    strides_size      a level and axis, how the points go down from the level above; 2 each if absent, 1 on the finest
    kernels_size      a level and axis; 3 each if absent
    convolutions_count of a level, down and up
    channels_count, classes_count   what goes in and comes out a point
    supervised_count   levels beside the finest that give classes too, from the second finest
    biased             convolutions have biases, which norms behind them make useless
    """

    family: Literal["unet"]
    patch_size: list[Size] = Field(min_length=2, max_length=3)
    features_count: list[Size] = Field(min_length=2, max_length=12)
    strides_size: list[list[Size]] | None = None
    kernels_size: list[list[Size]] | None = None
    convolutions_count: int = Field(default=2, ge=1, le=16)
    channels_count: int = Field(ge=1, le=10**4)
    classes_count: int = Field(ge=1, le=10**4)
    supervised_count: int = Field(default=0, ge=0, le=12)
    biased: bool = True

    @property
    def strides(self) -> list[list[int]]:
        """Strides of each level."""
        axes = len(self.patch_size)
        return self.strides_size or [[1] * axes, *([[2] * axes] * (len(self.features_count) - 1))]

    @property
    def kernels(self) -> list[list[int]]:
        """Kernel of each level."""
        return self.kernels_size or [[3] * len(self.patch_size)] * len(self.features_count)


class ResNetModel(ModelFile):
    """A residual network of images (He 2015), with the stride in the 3 x 3 convolution (version 1.5).

    image_size    points an axis
    blocks_count   residual blocks a stage; each stage after the first halves the points and doubles the channels
    base_size     channels of the stem and of the first stage inside
    expansion_count  channels of a bottleneck's end over those inside; 1 for blocks of two 3 x 3 convolutions
    """

    family: Literal["resnet"]
    image_size: int = Field(ge=32, le=10**5)
    blocks_count: list[Size] = Field(min_length=1, max_length=8)
    base_size: int = Field(default=64, ge=1, le=10**4)
    expansion_count: int = Field(default=4, ge=1, le=16)
    channels_count: int = Field(default=3, ge=1, le=10**4)
    classes_count: int = Field(ge=1, le=10**7)


class AfnoModel(ModelFile):
    """A network of fields on a grid whose points meet in Fourier space (FourCastNet).

    height_size, width_size   points of the grid; a patch has patch_size of them each way
    blocks_count   diagonal blocks of the complex products that mix channels in Fourier space
    inner_size    inner size of the products a point
    positioned     learned positions
    biased         biases in Fourier space; the last norm goes with them, and the head's bias does not
    """

    family: Literal["afno"]
    height_size: int = Field(ge=1, le=10**5)
    width_size: int = Field(ge=1, le=10**5)
    patch_size: int = Field(ge=1, le=1024)
    channels_count: int = Field(ge=1, le=10**4)
    outputs_count: int = Field(ge=1, le=10**4)
    hidden_size: int = Field(ge=1, le=10**6)
    layers_count: int = Field(ge=1, le=1000)
    blocks_count: int = Field(ge=1, le=10**4)
    inner_size: int = Field(ge=1, le=10**7)
    positioned: bool = True
    biased: bool = True


class MeshModel(ModelFile):
    """A graph network that carries fields from a grid to a mesh, passes messages there, and carries them back (GraphCast).

    grid_count, mesh_count     nodes of both
    mesh_edges_count, inward_edges_count, outward_edges_count   edges of the mesh, from grid to mesh, and from mesh to grid
    channels_count, outputs_count  what goes in and comes out a node of the grid; a node of the mesh takes as much in
    edge_channels_count        what is known of an edge
    steps_count                messages passed on the mesh
    hidden_size, inner_layers_count   of the networks of nodes and edges
    """

    family: Literal["mesh-gnn"]
    grid_count: int = Field(ge=1, le=10**9)
    mesh_count: int = Field(ge=1, le=10**9)
    mesh_edges_count: int = Field(ge=1, le=10**10)
    inward_edges_count: int = Field(ge=1, le=10**10)
    outward_edges_count: int = Field(ge=1, le=10**10)
    channels_count: int = Field(ge=1, le=10**5)
    outputs_count: int = Field(ge=1, le=10**5)
    edge_channels_count: int = Field(default=4, ge=1, le=1000)
    steps_count: int = Field(ge=1, le=1000)
    hidden_size: int = Field(ge=1, le=10**5)
    inner_layers_count: int = Field(default=1, ge=1, le=16)


class EvoformerModel(ModelFile):
    """A network of an alignment of sequences and of pairs of residues (AlphaFold 2).

    residues_count, sequences_count   the crop, and the sequences of the alignment
    extra_sequences_count  of the stack before it, whose blocks are narrower; 0 for none
    alignment_size, extra_size, pair_size   channels of the alignment, of the extra alignment and of pairs
    heads_count, pair_heads_count     of attention in alignments and in pairs
    outer_size            channels of the outer product that goes from alignment to pairs
    single_size           channels of the residues that come out
    """

    family: Literal["evoformer"]
    residues_count: int = Field(ge=1, le=10**5)
    sequences_count: int = Field(ge=1, le=10**5)
    extra_sequences_count: int = Field(default=0, ge=0, le=10**6)
    layers_count: int = Field(default=48, ge=1, le=1000)
    extra_layers_count: int = Field(default=4, ge=0, le=1000)
    alignment_size: int = Field(default=256, ge=1, le=10**4)
    extra_size: int = Field(default=64, ge=1, le=10**4)
    pair_size: int = Field(default=128, ge=1, le=10**4)
    heads_count: int = Field(default=8, ge=1, le=1000)
    pair_heads_count: int = Field(default=4, ge=1, le=1000)
    outer_size: int = Field(default=32, ge=1, le=10**4)
    transition_count: int = Field(default=4, ge=1, le=64)
    single_size: int = Field(default=384, ge=1, le=10**4)


SCIENCE_FAMILIES: Final[dict[str, type[ModelFile]]] = {
    "unet": UNetModel,
    "resnet": ResNetModel,
    "afno": AfnoModel,
    "mesh-gnn": MeshModel,
    "evoformer": EvoformerModel,
}
"""`family` of a model file of the sciences -> its record."""


def misfits_of_science(model: ModelFile) -> list[Wrong]:
    """Shapes of the sciences that cannot be: points that do not halve, channels that do not divide.

    Gives a row a mistake: path of the key in the file, what is wrong, and what would do; empty for a model that
    can be, and for a family whose shapes all can.
    """
    if isinstance(model, UNetModel):
        return _misfits_of_unet(model)
    if isinstance(model, AfnoModel):
        wrong: list[Wrong] = []
        if model.height_size % model.patch_size or model.width_size % model.patch_size:
            wrong.append((("patch",), "does not divide the height and the width", "a common divisor would do"))
        if model.hidden_size % model.blocks_count:
            wrong.append((("blocks",), f"{model.hidden_size} channels do not divide by it", "a divisor would do"))
        return wrong
    if isinstance(model, EvoformerModel):
        pairs = (
            ("heads", model.heads_count, model.alignment_size),
            ("heads", model.heads_count, model.extra_size),
            ("pair_heads", model.pair_heads_count, model.pair_size),
        )
        return [
            ((field,), f"{channels} channels do not divide by it", "a divisor would do")
            for field, heads, channels in pairs
            if channels % heads
        ]
    return []


def _misfits_of_unet(model: UNetModel) -> list[Wrong]:
    """What is wrong with a U-Net: a stride or kernel that is not given a level and axis, points that strides do
    not divide, classes from levels that are not there.
    """
    wrong: list[Wrong] = []
    levels, axes = len(model.features_count), len(model.patch_size)
    for field, sizes in (("strides", model.strides), ("kernels", model.kernels)):
        if len(sizes) != levels or any(len(each) != axes for each in sizes):
            wrong.append(((field,), "not one a level and axis", f"write {levels} lists of {axes}"))
    if wrong:
        return wrong
    for axis, points in enumerate(model.patch_size):
        whole = 1
        for level in model.strides:
            whole *= level[axis]
        if points % whole:
            wrong.append((("patch",), f"{points} points do not divide by {whole}", f"a multiple of {whole} would do"))
    if model.supervised_count > levels - 2:
        wrong.append((("supervised",), f"there are {levels} levels", f"at most {levels - 2} would do"))
    return wrong
