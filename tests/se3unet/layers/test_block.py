from itertools import product

import pytest
import torch
from e3nn import o3

from se3unet.geometry.edges import EdgeGeometry
from se3unet.geometry.graph import KNNGraph
from se3unet.layers.block import BlockSettings, ResidualBlock, SE3Transformer
from tests.se3unet.clouds import FAR, lattice, random_cloud
from tests.se3unet.so3_oracle import haar_rotations, largest_difference, matrix, perturb, random_fibers, rotate_fibers

IRREPS_IN = "1x0e+1x1e"
IRREPS_OUT = "2x0e+2x1e+2x2e"
CASES = list(product(("attention", "convolution"), ("concatenate", "sum"), ("1x1", "attentive")))


def transformer(messages, skip, last):
    torch.manual_seed(0)
    settings = BlockSettings(messages, heads=2, relative_positions="concatenate", skip=skip)
    block = SE3Transformer(IRREPS_IN, IRREPS_OUT, settings, "1x1", last).double()
    perturb(block)
    return block


def edges_of(points):
    return EdgeGeometry(2)(KNNGraph(6)(points.unsqueeze(0)))


@pytest.mark.parametrize(("messages", "skip", "last"), CASES)
@pytest.mark.parametrize("cloud", [random_cloud, lattice], ids=["random", "lattice"])
def test_the_transformer_is_equivariant(cloud, messages, skip, last):
    block, points = transformer(messages, skip, last), cloud()
    fibers = random_fibers(IRREPS_IN, 1, len(points))
    expected = block(fibers, edges_of(points))
    assert {degree: feature.shape for degree, feature in expected.items()} == {
        degree: (1, len(points), 2, 2 * degree + 1) for degree in range(3)
    }
    for rotation in haar_rotations(2):
        actual = block(rotate_fibers(fibers, rotation), edges_of(points @ matrix(rotation).T))
        assert largest_difference(actual, rotate_fibers(expected, rotation)) < 1e-12
    assert largest_difference(block(fibers, edges_of(points + FAR)), expected) < 1e-12


def test_the_input_reaches_the_output_without_messages():
    settings = BlockSettings("attention", heads=1, relative_positions="concatenate", skip="sum")
    block = ResidualBlock(IRREPS_OUT, IRREPS_OUT, settings, "1x1").double()
    with torch.no_grad():
        for weight in block.project.parameters():
            weight.zero_()
    points, fibers = random_cloud(), random_fibers(IRREPS_OUT, 1, 60)
    assert largest_difference(block(fibers, edges_of(points)), fibers) == 0


def test_blocks_say_what_they_need_and_give():
    for messages, skip, last in CASES:
        block = transformer(messages, skip, last)
        assert block.irreps_in == o3.Irreps(IRREPS_IN)
        assert block.irreps_out == block.blocks[-1].irreps_out == o3.Irreps(IRREPS_OUT)
