"""Every layer of the SE(3)-Unet under every symmetry that it claims, on clouds of every kind."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from equivariance._engine.measurement.relative_error import compare, worst
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import transform
from equivariance.groups import identity, permutation, rotation, samples, translation
from equivariance.groups.elements import Transform
from equivariance.strategies import permutations, point_clouds, rotations, translations
from property_tests.layers import FINE, LAYERS, NEIGHBOURS, TIED, TOLERANCE, Scene, error_of, tells_apart, well_placed


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """One to three clouds of one size and of one kind, with more points than neighbours at both levels."""
    count, size = draw(st.integers(1, 3)), draw(st.integers(2 * NEIGHBOURS, 3 * NEIGHBOURS))
    positions = draw(point_clouds(count * size, count * size)).reshape(count, size, 3)
    assume(well_placed(positions))
    return Scene(positions, draw(st.integers(0, 99)))


def holds(name: str, scene: Scene, element: Transform) -> None:
    assert error_of(LAYERS[name](scene), element) <= TOLERANCE


@pytest.mark.parametrize("name", LAYERS)
@given(scene=scenes(), element=rotations())
def test_rotation(name, scene, element):
    holds(name, scene, element)


@pytest.mark.parametrize("name", LAYERS)
@given(scene=scenes(), element=translations())
def test_translation(name, scene, element):
    """Up to a thousand times the size of the clouds, on their dyadic grid."""
    extent = float(scene.positions.abs().max())
    unit = 2.0 ** math.floor(math.log2(extent)) if extent > 0 else 1.0
    holds(name, scene, translation([unit * v for v in element.vector]))


@pytest.mark.parametrize("name", LAYERS)
@given(scene=scenes(), data=st.data())
def test_permutation(name, scene, data):
    assume(name not in TIED or tells_apart(scene.positions))
    holds(name, scene, data.draw(permutations(scene.positions.shape[1])))


@pytest.mark.parametrize("name", LAYERS)
@given(scene=scenes(), data=st.data())
def test_batch(name, scene, data):
    count = len(scene.positions)
    chosen = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3))
    holds(name, scene, samples(chosen, of=count))


@given(scene=scenes(), data=st.data())
def test_sums_over_neighbours_follow_a_permutation_where_distances_tie_too(scene, data):
    """Which of several points is the last neighbour hangs on their numbers, but it counts for nothing."""
    order = data.draw(permutations(scene.positions.shape[1]))
    moved = Scene(scene.positions[:, list(order.order)], scene.seed)
    for name in ("MultiHeadAttention", "TFNConvolution", "SE3Transformer"):
        layer, arguments, contract = LAYERS[name](scene)
        fibers = transform(arguments["fibers"], contract.inputs["fibers"], order)
        expected = transform(layer(**arguments), contract.output, order)
        errors = compare(layer(fibers, moved.edges), expected, contract.output, order)
        assert worst(errors)[1].relative <= TOLERANCE


@pytest.mark.parametrize("points", [1, NEIGHBOURS])
@pytest.mark.parametrize("name", ["KNNGraph", "Pool, sum", "MultiHeadAttention"])
def test_fewer_points_than_neighbours_are_refused(name, points):
    with pytest.raises(ValueError, match=f"positions: expected more than neighbours={NEIGHBOURS} points, got {points}"):
        error_of(LAYERS[name](Scene(torch.zeros(1, points, 3, dtype=torch.float64))), identity())


def test_layers_of_one_node_take_one_point():
    scene = Scene(torch.ones(1, 1, 3, dtype=torch.float64))
    for name in ("Embed", "SelfInteraction", "NormBias, softened", "InvariantHead", "FarthestPointSampling"):
        layer, arguments, _ = LAYERS[name](scene)
        assert layer(**arguments) is not None


BREAKS = {
    "rotation": (torch.relu, rotation([1, 2, 3])),
    "translation": (lambda x: x + x.mean(1, keepdim=True), translation([1, 2, 3])),
    "permutation": (lambda x: x.cumsum(1), permutation(size=2 * NEIGHBOURS, seed=0)),
    "batch": (lambda x: x + x.mean(0), samples([1], of=2)),
}


@pytest.mark.parametrize("symmetry", BREAKS)
def test_a_broken_layer_would_be_seen(symmetry):
    function, element = BREAKS[symmetry]
    positions = torch.rand(2, 2 * NEIGHBOURS, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    contract = Contract({"x": FINE.points() if symmetry == "translation" else FINE.vectors()}, FINE.vectors())
    assert error_of((function, {"x": positions}, contract), element) > 1e-2
