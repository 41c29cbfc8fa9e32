import pytest
import torch

from se3unet.geometry.ties import centre, priorities
from tests.se3unet.clouds import CLOUDS, FAR, duplicated, lattice, motions, random_cloud

pytestmark = pytest.mark.numeric


def test_centred_positions_do_not_move_with_the_frame():
    cloud = random_cloud().unsqueeze(0)
    assert float(centre(cloud).mean(1).abs().max()) < 1e-15
    assert float((centre(cloud + FAR) - centre(cloud)).abs().max()) < 1e-12
    assert centre(cloud.float()).dtype == torch.float32


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_priorities_rank_the_farthest_point_highest_and_are_a_permutation(cloud):
    points = cloud().unsqueeze(0)
    ranks = priorities(points)[0]
    assert torch.equal(ranks.sort().values, torch.arange(points.shape[1]))
    radii = centre(points)[0].norm(dim=-1)
    assert (radii[ranks.argsort()].diff() > -1e-5 * radii.max()).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_priorities_do_not_read_the_frame(cloud, dtype):
    points = cloud()
    expected = priorities(points.unsqueeze(0).to(dtype))
    for rotation, translation in motions():
        shift = translation if dtype == torch.float64 else translation / 512
        assert torch.equal(priorities((points @ rotation.T + shift).unsqueeze(0).to(dtype)), expected)


@pytest.mark.parametrize("cloud", [random_cloud, lattice], ids=["random", "lattice"])
def test_priorities_do_not_read_the_order_of_the_nodes(cloud):
    points = cloud().unsqueeze(0)
    order = torch.randperm(points.shape[1], generator=torch.Generator().manual_seed(0))
    assert torch.equal(priorities(points[:, order]), priorities(points)[:, order])


def test_priorities_do_not_read_other_samples():
    batch = torch.stack([random_cloud(seed=0), random_cloud(seed=1), duplicated()])
    for sample, ranks in zip(batch, priorities(batch), strict=True):
        assert torch.equal(priorities(sample.unsqueeze(0))[0], ranks)


def test_points_at_one_distance_from_the_centroid_are_told_apart_by_moments():
    # All on the unit sphere: the first invariant ties everywhere.
    points = torch.nn.functional.normalize(random_cloud(20), dim=-1)
    points = torch.cat([points, -points]).unsqueeze(0)
    order = torch.cat([torch.arange(20).flip(0), torch.arange(20, 40).flip(0)])
    ranks, moved = priorities(points), priorities(points[:, order])
    # Opposite points share every even moment and, the cloud being its own inversion, the odd ones: pairs stay together.
    assert torch.equal((ranks[0, :20] // 2)[order[:20]], moved[0, :20] // 2)
