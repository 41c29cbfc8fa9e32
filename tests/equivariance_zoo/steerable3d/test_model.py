"""The networks of the paper: sizes, symmetry, settings."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from equivariance_zoo.steerable3d import NETWORKS, NetworkConfig, Stage, SteerableClassifier
from equivariance_zoo.steerable3d.dense import DenseClassifier
from tests.equivariance_zoo.steerable3d.rotations import cube_rotations, turned

pytestmark = pytest.mark.numeric


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "slides", "share"),
    [
        # Eight layers; the slides give the total but neither widths nor degrees.
        ("shrec17", 142_000, 0.02),
        # The widths of half a ResNet34, 32 to 256, split over degrees 0 to 3; the slides give no multiplicities.
        ("cath", 143_560, 0.03),
    ],
)
def test_parameters_are_those_of_the_slides(name, slides, share):
    assert abs(parameters(SteerableClassifier(NETWORKS[name]())) - slides) < share * slides


def test_the_page_says_how_many_parameters_there_are():
    page = (Path(__file__).parents[3] / "docs" / "steerable3d.md").read_text()
    for name in ("shrec17", "cath"):
        assert f"`{name}` has {parameters(SteerableClassifier(NETWORKS[name]())):,} (" in page
    assert f"{parameters(DenseClassifier(NETWORKS['cath']())):,} (15,878,764" in page


def test_kernels_with_a_stride_leave_room_for_the_low_pass_filter():
    config = NETWORKS["shrec17"]()
    steerable = [layer.conv.kernel_size for layer in SteerableClassifier(config).layers]
    ordinary = [layer[0].kernel_size[0] for layer in DenseClassifier(config).layers]
    assert (steerable, ordinary) == ([5, 5, 3, 5, 5, 5, 3, 5], 8 * [5])


def test_the_dense_network_beside_it_is_half_a_resnet34():
    config = NETWORKS["cath"]()
    channels = (32, 64, 128, 256)
    widths = [replace(stage, irreps=f"{n}x0e") for stage, n in zip(config.stages, channels, strict=True)]
    assert [s.blocks for s in config.stages] == [3, 4, 6, 3]
    assert parameters(DenseClassifier(config)) == parameters(DenseClassifier(replace(config, stages=tuple(widths))))
    # 958 more than on the slides, 0.006 %: the normalizations of shortcuts (896) and 62 that they do not tell.
    assert parameters(DenseClassifier(config)) == 15_878_764 + 958


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_do_not_change_under_the_rotations_of_the_cube(name):
    torch.manual_seed(0)
    config = NETWORKS[name]()
    slim = tuple(replace(s, irreps="2x0e + 1x1e + 1x2e", blocks=1) for s in config.stages)
    model = SteerableClassifier(replace(config, stages=slim)).double().eval()
    given = torch.randn(1, model.layers[0].irreps_in.dim, 12, 12, 12, dtype=torch.float64)
    with torch.no_grad():
        expected = model(given)
        for matrix in cube_rotations()[[7, 19]]:
            assert (model(turned(given, config.irreps_in, matrix)) - expected).norm() < 1e-12 * expected.norm()


def test_with_parity_mirror_images_are_alike():
    torch.manual_seed(0)
    config = NetworkConfig(3, (Stage("2x0e + 2x1o"), Stage("2x0e + 1x1o + 1x1e")), kernel_size=3, parity=True)
    model = SteerableClassifier(config).double().eval()
    given = torch.randn(2, 1, 7, 7, 7, dtype=torch.float64)
    assert torch.allclose(model(given.flip(2, 3, 4)), model(given), atol=1e-12)


def test_settings_go_to_plain_values_and_back():
    config = NETWORKS["cath"]()
    assert NetworkConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"classes": 3}, "the key stages"),
        ({"classes": 3, "stages": (), "width": 2}, "expected keys among .*got 'width'"),
        ({"classes": 3, "stages": ()}, "stages: expected a list of at least one"),
        ({"classes": 0, "stages": ({"irreps": "1x0e"},)}, "classes: expected a whole number"),
        ({"classes": 3, "stages": ({"irreps": "oops"},)}, "irreps: expected irreps"),
        ({"classes": 3, "stages": ({"irreps": "1x0e"},), "periodic": "yes"}, "periodic: expected true or false"),
    ],
)
def test_settings_are_checked(settings, words):
    with pytest.raises(ValueError, match=words):
        NetworkConfig.from_dict(settings)
