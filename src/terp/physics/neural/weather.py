"""The work of networks of fields on the globe: in Fourier space on a grid, and by messages on a mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from terp.catalogue.read.constants import constants
from terp.describe import AfnoModel, MeshModel
from terp.physics.neural.work import Layer, Product, Work


@dataclass(frozen=True)
class FieldBytes:
    """Bytes per value that networks of fields move beside their GEMM: of a transform to Fourier space and back, of both
    norms of a layer, of what stands between, of an activation of an inner value, of an edge and of a node of a mesh.

    transposed_ratio   how many times bytes of transforms and transposing copies count
    """

    PLACE: ClassVar[str] = "networks.fields"
    transposed_ratio: float
    transform_bytes: float
    norms_bytes: float
    between_bytes: float
    inner_bytes: float
    edge_bytes: float
    node_bytes: float


def _bytes() -> FieldBytes:
    return constants(FieldBytes)


def afno_work(model: AfnoModel, _: int) -> Work:
    """The work of a network in Fourier space on one state of its grid.

    n points of h channels; their real transform keeps n' = rows (columns / 2 + 1).  Blocks of b = h / blocks channels meet
    in two complex products, each 8 n' b^2 flops a block: real and imaginary rows, 2 n', times real and imaginary weights
    side by side, 2 b, over a depth of b.  These and the transforms stay in 32 bits.
    """
    of = _bytes()
    rows, columns = model.height_size // model.patch_size, model.width_size // model.patch_size
    points, hidden, block = float(rows * columns), model.hidden_size, model.hidden_size // model.blocks_count
    modes = float(rows * (columns // 2 + 1))
    values, inner = points * hidden, points * model.inner_size
    pixels = model.patch_size**2
    mixed = Product(2.0 * modes, 2 * block, block, count=model.blocks_count, precision="fp32")
    fourier = of.transposed_ratio * (of.transform_bytes + of.norms_bytes / 2) + of.norms_bytes / 2 + of.between_bytes
    biases = (4 if model.biased else 0) * hidden
    layer = Layer(
        name="fourier",
        count=model.layers_count,
        products=(
            mixed,
            mixed,
            Product(points, model.inner_size, hidden, split="columns"),
            Product(points, hidden, model.inner_size, split="depth"),
        ),
        moved_bytes=fourier * values + of.inner_bytes * inner,
        kept_residual_bytes=12.0 * values,
        kept_inner_bytes=2.0 * inner,
        input_residual_bytes=6.0 * values,
        input_inner_bytes=2.0 * inner,
        other_parameters_count=5 * hidden + model.inner_size + biases,
        launches_count=26,
        exchanges_count=1,
    )
    patches = Layer(
        name="patches",
        count=1,
        products=(Product(points, hidden, model.channels_count * pixels, leaf=True),),
        moved_bytes=_bytes().transposed_ratio * 4.0 * points * model.channels_count * pixels,
        other_parameters_count=hidden + (int(points) * hidden if model.positioned else 0),
        launches_count=3,
    )
    outputs = model.outputs_count * pixels
    head = Layer(
        name="head",
        count=1,
        products=(Product(points, outputs, hidden, split="columns"),),
        moved_bytes=6.0 * values + 20.0 * points * outputs,
        other_parameters_count=2 * hidden if model.biased else outputs,
        launches_count=6,
    )
    state = 4.0 * model.height_size * model.width_size
    return Work((patches, layer), head, 0, 0, 4.0 * values, state * (model.channels_count + model.outputs_count))


def mesh_work(model: MeshModel, _: int) -> Work:
    """The work of a graph network on one state of its grid: embedded, to the mesh, along it `steps` times, and back.

    A network of an edge sees it and both its ends, 3 h in; that of a node sees it and the sum of its messages, 2 h in; each
    has inner layers of h and a norm, and is added to what it came from.  Nodes that nothing is sent to have h in.  Gathers
    and scatters move bytes alone.
    """
    h, grid, mesh = model.hidden_size, float(model.grid_count), float(model.mesh_count)
    along, inward, outward = (
        float(edges) for edges in (model.mesh_edges_count, model.inward_edges_count, model.outward_edges_count)
    )
    wide, narrow = model.channels_count, model.edge_channels_count
    layers = (
        _networks("embedding", model, ((grid, wide), (mesh, wide), (along, narrow), (inward, narrow), (outward, narrow))),
        _networks("to the mesh", model, ((inward, 3 * h), (mesh, 2 * h), (grid, h)), inward),
        _networks("mesh", model, ((along, 3 * h), (mesh, 2 * h)), along, model.steps_count),
        _networks("to the grid", model, ((outward, 3 * h), (grid, 2 * h), (mesh, h)), outward),
    )
    inner = (model.inner_layers_count - 1) * (Product(grid, h, h),)
    head = Layer(
        name="head",
        count=1,
        products=(Product(grid, h, h), *inner, Product(grid, model.outputs_count, h)),
        moved_bytes=grid * (_bytes().inner_bytes * h * model.inner_layers_count + 24.0 * model.outputs_count),
        kept_residual_bytes=2.0 * grid * h * model.inner_layers_count,
        input_residual_bytes=2.0 * grid * h * (model.inner_layers_count + 1),
        other_parameters_count=h * model.inner_layers_count + model.outputs_count,
        launches_count=8,
    )
    state = 4.0 * grid * (model.channels_count + model.outputs_count)
    return Work(layers, head, 0, 0, 2.0 * h * (grid + mesh), state)


def _networks(
    name: str, model: MeshModel, networks: tuple[tuple[float, int], ...], edges: float = 0.0, count: int = 1
) -> Layer:
    """Networks of nodes and edges, each of so many rows and so many numbers in; `edges` carry messages."""
    of, h, inner = _bytes(), model.hidden_size, model.inner_layers_count
    rows = sum(many for many, _ in networks)
    products = [
        product for many, into in networks for product in (Product(many, h, into), *(inner * (Product(many, h, h),)))
    ]
    return Layer(
        name=name,
        count=count,
        products=tuple(products),
        moved_bytes=h * (of.edge_bytes * edges + of.node_bytes * (rows - edges) + of.inner_bytes * inner * rows),
        kept_residual_bytes=2.0 * h * (inner + 1.0) * rows,
        input_residual_bytes=2.0 * h * (2.0 * edges + (inner + 1.0) * rows),
        other_parameters_count=len(networks) * (inner + 3) * h,
        launches_count=len(networks) * (2 * inner + 6),
    )
