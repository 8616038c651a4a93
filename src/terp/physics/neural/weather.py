"""The work of networks of fields on the globe: in Fourier space on a grid, and by messages on a mesh."""

from __future__ import annotations

from typing import Final

from terp.describe import AfnoModel, MeshModel
from terp.physics.neural.work import Layer, Product, Work

TRANSPOSED: Final = 2.8
"""Bytes of transforms and transposing copies count so many times, as they use a part of each piece of memory that they
touch: fitted on one step of a network of 62 million parameters (terp-h100)."""
TRANSFORM_BYTES: Final = 64.0
"""Bytes a value of a transform to Fourier space and back in 32 bits: there two passes, read and written, and its scale;
back a copy that spares the input, two passes, its scale; and what is sorted into blocks of channels between them."""
NORMS_BYTES: Final = 32.0
"""Bytes a value of both norms of a layer in 32 bits, each with a copy that brings channels last; those copies transpose."""
BETWEEN_BYTES: Final = 36.0
"""Bytes a value of ReLU in Fourier space, of both sums, and of the cast to 16 bits."""
INNER_BYTES: Final = 4.0
"""Bytes an inner value of an activation in 16 bits."""
EDGE_BYTES: Final = 26.0
"""Bytes a value of an edge: two ends gathered and joined to it, a norm, its sum, and its message scattered, in 16 bits."""
NODE_BYTES: Final = 18.0
"""Bytes a value of a node: joined with the messages, a norm, its sum, in 16 bits."""


def afno_work(model: AfnoModel, _: int) -> Work:
    """The work of a network in Fourier space on one state of its grid.

    n points of h channels; their real transform keeps n' = rows (columns / 2 + 1).  Blocks of b = h / blocks channels meet
    in two complex products, each 8 n' b^2 flops a block: real and imaginary rows, 2 n', times real and imaginary weights
    side by side, 2 b, over a depth of b.  These and the transforms stay in 32 bits.
    """
    rows, columns = model.height_size // model.patch_size, model.width_size // model.patch_size
    points, hidden, block = float(rows * columns), model.hidden_size, model.hidden_size // model.blocks_count
    modes = float(rows * (columns // 2 + 1))
    values, inner = points * hidden, points * model.inner_size
    pixels = model.patch_size**2
    mixed = Product(2.0 * modes, 2 * block, block, count=model.blocks_count, precision="fp32")
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
        moved_bytes=(TRANSPOSED * (TRANSFORM_BYTES + NORMS_BYTES / 2) + NORMS_BYTES / 2 + BETWEEN_BYTES) * values
        + INNER_BYTES * inner,
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
        moved_bytes=TRANSPOSED * 4.0 * points * model.channels_count * pixels,
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
        moved_bytes=grid * (INNER_BYTES * h * model.inner_layers_count + 24.0 * model.outputs_count),
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
    h, inner = model.hidden_size, model.inner_layers_count
    rows = sum(many for many, _ in networks)
    products = [
        product for many, into in networks for product in (Product(many, h, into), *(inner * (Product(many, h, h),)))
    ]
    return Layer(
        name=name,
        count=count,
        products=tuple(products),
        moved_bytes=h * (EDGE_BYTES * edges + NODE_BYTES * (rows - edges) + INNER_BYTES * inner * rows),
        kept_residual_bytes=2.0 * h * (inner + 1.0) * rows,
        input_residual_bytes=2.0 * h * (2.0 * edges + (inner + 1.0) * rows),
        other_parameters_count=len(networks) * (inner + 3) * h,
        launches_count=len(networks) * (2 * inner + 6),
    )
