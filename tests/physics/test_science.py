"""Networks of the sciences: parameters and flops of worked examples, identities, and rates of convolutions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import Accelerator, read_catalogue
from terp.describe import AfnoModel, EvoformerModel, MeshModel, ResNetModel, UNetModel, read_model, shipped_names
from terp.errors import Problems
from terp.physics.gpu.clocks import Load, power_w
from terp.physics.gpu.convolution_rates import convolution, plane_norm_s
from terp.physics.neural.families import work_of

SCIENCE = [name for name in shipped_names("models") if read_model(name).record.family != "transformer"]
NAMED = {"kind": "model", "name": "x", "title": "x"}


@pytest.fixture(scope="module")
def h100():
    return read_catalogue().part(Accelerator, "h100-sxm-80gb")


def test_all_five_families_ship():
    families = {type(read_model(name).record) for name in SCIENCE}
    assert families == {UNetModel, ResNetModel, AfnoModel, MeshModel, EvoformerModel}


@pytest.mark.parametrize("name", SCIENCE)
def test_parameters_are_those_that_are_published(name):
    """Of what was timed, and of ResNets, to the last one; of the others within 3 percent."""
    model = read_model(name).record
    count, published = work_of(model).parameters_count, model.published_parameters_count
    if published is not None:
        exact = isinstance(model, UNetModel | ResNetModel | AfnoModel)
        assert count == published if exact else abs(count / published - 1) < 0.03


def test_blocks_are_nearly_all_of_alphafold():
    """Of 93 million parameters the structure module, templates, embedding and heads have 3 percent."""
    assert work_of(read_model("alphafold2-initial").record).parameters_count / 93e6 == pytest.approx(0.975, abs=0.01)


def test_resnet_50_is_four_billion_multiply_adds():
    """He 2015 counts 3.8e9; the stride in the 3 x 3 convolution makes it 4.1e9, the classes 2e6 of them."""
    work = work_of(read_model("resnet-50").record)
    assert work.flop / 3 / 2 == pytest.approx(4.09e9, rel=0.01)
    assert work_of(read_model("resnet-152").record).flop / 3 / 2 == pytest.approx(11.51e9, rel=0.01)


def test_resnet_18_from_its_two_convolutions_a_block():
    work = work_of(ResNetModel(**NAMED, family="resnet", image=224, blocks=[2, 2, 2, 2], expansion=1, classes=1000))
    assert work.parameters_count == 11_689_512
    assert work.flop / 3 / 2 == pytest.approx(1.81e9, rel=0.01)


def test_first_convolution_of_a_volume_by_hand():
    """128^3 points, 4 channels to 32 in 27 taps: 2 x 2097152 x 32 x 108 flops, 3,456 weights."""
    product = work_of(read_model("unet3d-32").record).layers[0].products[0]
    assert (product.rows_count, product.columns_count, product.depth_count, product.taps_count) == (128.0**3, 32, 108, 27)
    assert product.flop == 2 * 2097152 * 32 * 108
    assert product.parameters_count == 3456


def test_points_of_a_unet_fall_by_the_strides():
    model = read_model("nnunet-prostate").record
    down = [layer for layer in work_of(model).layers if layer.name.startswith("down")]
    ratios = [above.products[-1].rows_count / below.products[-1].rows_count for above, below in pairwise(down)]
    assert ratios == [np.prod(strides) for strides in model.strides[1:]]


def test_deep_supervision_costs_only_its_classes():
    model = read_model("nnunet-brats").record
    plain = work_of(model.model_copy(update={"supervised_count": 0}))
    added = work_of(model).parameters_count - plain.parameters_count
    assert added == sum(model.classes_count * (features + 1) for features in model.features_count[1:3])


@given(st.integers(1, 4), st.integers(1, 64), st.integers(1, 8))
def test_eight_times_the_volume_is_eight_times_the_work(side, features, channels):
    """Every convolution keeps its channels and has eight times the points."""
    small, large = (
        work_of(UNetModel(**NAMED, family="unet", patch=[4 * n] * 3, features=[features, 7], channels=channels, classes=2))
        for n in (side, 2 * side)
    )
    assert large.flop == pytest.approx(8 * small.flop)
    assert large.parameters_count == small.parameters_count
    assert sum(layer.moved_bytes for layer in large.layers) == pytest.approx(
        8 * sum(layer.moved_bytes for layer in small.layers)
    )


def test_complex_products_are_eight_flops_a_mode_and_pair_of_channels():
    model = read_model("fourcastnet-timed").record
    layer = work_of(model).layers[1]
    modes, block = 90 * 91, 768 // 8
    assert layer.products[0].flop == 8 * modes * block**2 * 8
    assert layer.products[0].parameters_count == 2 * block**2 * 8


def test_messages_are_most_of_graphcast():
    """16 steps over 327,660 edges and 40,962 nodes of 512 channels."""
    layers = {layer.name: layer for layer in work_of(read_model("graphcast").record).layers}
    edges, nodes, h = 327_660, 40_962, 512
    assert layers["mesh"].count == 16
    assert layers["mesh"].flop == pytest.approx(2 * h * h * (edges * 4 + nodes * 3))
    assert layers["mesh"].parameters_count == (3 + 1 + 2 + 1) * h * h + 2 * 4 * h


def test_multi_mesh_has_the_edges_of_all_its_refinements():
    """An icosahedron has 30 edges, a refinement four times as many, each both ways."""
    for name, refinements in (("graphcast", 6), ("graphcast-small", 5)):
        model = read_model(name).record
        assert model.mesh_edges_count == sum(2 * 30 * 4**level for level in range(refinements + 1))
        assert model.mesh_count == 10 * 4**refinements + 2
        assert model.outward_edges_count == 3 * model.grid_count


def test_triangles_grow_with_the_cube_of_the_crop():
    model = read_model("alphafold2-initial").record
    small, large = (
        work_of(model.model_copy(update={"residues_count": residues})).layers[-1].attention for residues in (64, 128)
    )
    triangles = [(a.flop, b.flop) for a, b in zip(small, large, strict=True) if not a.value_size and a.heads_count > 1]
    assert len(triangles) == 2
    assert all(b == 8 * a for a, b in triangles)
    assert triangles[0][0] == 2 * 64**3 * 128


def test_every_layer_moves_bytes_and_every_sample_is_read():
    for name in SCIENCE:
        work = work_of(read_model(name).record)
        assert work.flop > 0 < work.input_bytes
        assert all(layer.moved_bytes > 0 for layer in work.layers)


@pytest.mark.parametrize(
    ("update", "field"),
    [
        ("patch: [127, 128, 128]", "patch"),
        ("patch: [128, 128]\nkernels: [[3, 3, 3]]", "kernels"),
        ("supervised: 4", "supervised"),
    ],
)
def test_shapes_of_unets_that_cannot_be(tmp_path, update, field):
    text = (
        "kind: model\nname: x\ntitle: x\nfamily: unet\nsource: terp-h100\nfeatures: [8, 16, 32]\nchannels: 1\nclasses: 2\n"
    )
    text += update if update.startswith("patch") else f"patch: [64, 64, 64]\n{update}"
    path = tmp_path / "x.yaml"
    path.write_text(text + "\n")
    with pytest.raises(Problems) as caught:
        read_model(str(path))
    assert field in str(caught.value)


def test_narrow_convolutions_reach_a_small_share_of_the_peak(h100):
    """What tiles fetch binds them: 32 channels reach a third of what 256 do."""
    rows, peak = 2.0 * 128**3, h100.peak_flop_per_s["bf16"]
    shares = [
        2 * rows * width * 27 * width / float(convolution(h100, rows, width, 27 * width, 0.9)[0][0]) / peak
        for width in (32, 64, 128, 256)
    ]
    assert shares == sorted(shares)
    assert 0.08 < shares[0] < 0.15
    assert shares[-1] < 0.4


def test_what_tiles_fetch_costs_energy(h100):
    """A terabyte in a second is 90 W beside the 97 W of a GPU that does nothing at its boost clock."""
    assert power_w(h100, Load(0.0, 1.0, 0.0, 0.0), 1.08) == pytest.approx(97)
    assert power_w(h100, Load(0.0, 1.0, 0.0, 0.0, 1e12), 1.08) == pytest.approx(97 + 90)


@given(st.integers(1, 10**6), st.integers(1, 512), st.integers(32, 8192))
def test_more_of_anything_takes_no_less(rows, columns, depth):
    chip = read_catalogue().part(Accelerator, "h100-sxm-80gb")
    once, fetched = (float(found[0]) for found in convolution(chip, rows, columns, depth, 0.9))
    assert fetched >= 2 * (rows + columns) * depth, "no tile fetches less than its operands once"
    for size in ((2 * rows, columns, depth), (rows, 2 * columns, depth), (rows, columns, 2 * depth)):
        assert float(convolution(chip, *size, 0.9)[0][0]) >= 0.999 * once


def test_a_norm_waits_for_its_longest_plane(h100):
    """As many planes as there are blocks take no longer than one; points in each do."""
    blocks = 4 * h100.sms_count
    assert plane_norm_s(h100, blocks, 10**6) == plane_norm_s(h100, 1, 10**6)
    assert plane_norm_s(h100, blocks + 1, 10**6) == 2 * plane_norm_s(h100, 1, 10**6)
    assert plane_norm_s(h100, 1, 128**3) == pytest.approx(0.2e-6 * 4096)
