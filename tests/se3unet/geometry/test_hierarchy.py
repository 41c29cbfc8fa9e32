"""Graphs that are computed once: the same network, and the same in every pose."""

import pytest
import torch

import equivariance
from se3unet import SE3Unet, SE3UnetConfig
from se3unet.contracts import Level
from se3unet.geometry.hierarchy import Hierarchy, join
from tests.se3unet.clouds import random_cloud
from tests.se3unet.so3_oracle import perturb

SMALL = SE3UnetConfig(levels=2, channels=(2, 3, 4), neighbours=6, blocks=1, landmarks=5, head_width=8)


def network():
    torch.manual_seed(0)
    model = SE3Unet(SMALL).double()
    perturb(model)
    return model.eval().requires_grad_(False)


def clouds():
    return torch.stack([random_cloud(seed=seed) for seed in range(3)])


def test_a_network_gives_the_same_on_graphs_as_on_points():
    model, points = network(), clouds()
    expected = model(points)
    assert torch.equal(model(model.hierarchy(points)), expected)
    assert torch.equal(model(model.hierarchy(points[0])), model(points[:1]))


def test_samples_are_taken_apart_and_joined():
    model, points = network(), clouds()
    whole = model.hierarchy(points)
    assert len(whole) == 3
    singles = [whole.sample(number) for number in (2, 0)]
    together = join(singles)
    assert torch.equal(together.finest.positions, points[[2, 0]])
    torch.testing.assert_close(model(together), model(points)[[2, 0]], rtol=0, atol=1e-12)
    # A view would keep the memory of the whole batch alive.
    assert singles[0].finest.neighbours.untyped_storage().nbytes() * 3 == whole.finest.neighbours.nbytes


def test_a_hierarchy_moves_to_another_dtype_of_device_name():
    whole = network().hierarchy(clouds())
    moved = whole.to("meta")
    assert moved.finest.positions.device.type == moved.coarser[1].picks.device.type == "meta"


class Precomputed(torch.nn.Module):
    """Computes the values that a training computes once, before it starts."""

    def __init__(self, model, pose=lambda points: points):
        super().__init__()
        self.model, self.pose = model, pose

    def forward(self, positions):
        hierarchy = self.model.hierarchy(self.pose(positions))
        graphs = [hierarchy.finest, *(cloud.graph for cloud in hierarchy.coarser)]
        return {
            "picks": [cloud.picks for cloud in hierarchy.coarser],
            "levels": [{name: getattr(graph, name) for name in SCALARS} for graph in graphs],
            "neighbours": [graph.neighbours for graph in graphs],
            "vectors": [graph.vectors for graph in graphs],
        }


SCALARS = ("distances", "reach", "presence", "envelope")
FINE, COARSE = Level(nodes=1, batch=0), Level(nodes=None, batch=0)
LEVELS = (FINE, COARSE, COARSE)
LAW = {
    "picks": [COARSE.graph()["neighbours"], COARSE.graph()["neighbours"]],
    "levels": [{name: level.graph()[name] for name in SCALARS} for level in LEVELS],
    "neighbours": [level.graph()["neighbours"] for level in LEVELS],
    "vectors": [level.vectors() for level in LEVELS],
}


def report_on(pose):
    law = equivariance.CartesianPoints(nodes=1, batch=0)
    return equivariance.check(Precomputed(network(), pose), (clouds(),), (law,), LAW, group="se3", samples=3)


def test_the_harness_finds_that_what_is_cached_is_the_same_in_every_pose():
    report = report_on(lambda points: points)
    assert report.ok, str(report)
    assert set(report.symmetries) == {"rotation", "translation"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "pose",
    [
        lambda points: points * torch.tensor([1.0, 1.0, 3.0], dtype=points.dtype),
        lambda points: points * (1 + points.abs()),
    ],
    ids=["stretched along z", "about the origin"],
)
def test_the_harness_would_see_a_pose_in_it(pose):
    assert not report_on(pose).ok


def test_it_is_a_frozen_value():
    whole = network().hierarchy(clouds())
    with pytest.raises(AttributeError):
        whole.finest = None
    assert isinstance(whole, Hierarchy)
