import numpy as np
import pytest
import torch

from se3unet.sampling import FarthestPointSampling, kept_points
from tests.se3unet.clouds import CLOUDS, collinear, duplicated, lattice, motions, random_cloud


@pytest.mark.parametrize(
    ("points", "ratio", "kept"), [(1024, 0.35, 666), (666, 0.35, 433), (100, 0.29, 71), (7, 0, 7), (1, 0.9, 1)]
)
def test_the_number_of_picks(points, ratio, kept):
    assert kept_points(points, ratio) == kept
    assert FarthestPointSampling(ratio)(random_cloud(points).unsqueeze(0)).shape == (1, kept)


def greedy(points, count):
    radii = np.linalg.norm(points - points.mean(0), axis=1)
    picks = [int(radii.argmax())]
    while len(picks) < count:
        picks.append(int(np.linalg.norm(points[:, None] - points[picks], axis=-1).min(1).argmax()))
    return picks


def test_the_picks_are_those_of_the_greedy_algorithm():
    points = random_cloud(200)
    picks = FarthestPointSampling(0.5)(points.unsqueeze(0))[0]
    assert set(picks.tolist()) == set(greedy(points.numpy(), 100))


def test_picks_come_farthest_from_the_centroid_first():
    points = random_cloud(200)
    radii = (points - points.mean(0)).norm(dim=-1)
    picks = FarthestPointSampling(0.5)(points.unsqueeze(0))[0]
    assert int(picks[0]) == int(radii.argmax())
    assert (radii[picks].diff() <= 0).all()


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_every_point_is_picked_at_most_once(cloud):
    picks = FarthestPointSampling(0.1)(cloud().unsqueeze(0))[0]
    assert len(set(picks.tolist())) == len(picks)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_the_picks_do_not_read_the_frame(cloud, dtype):
    sample, points = FarthestPointSampling(0.35), cloud()
    expected = sample(points.unsqueeze(0).to(dtype))
    for rotation, translation in motions():
        shift = translation if dtype == torch.float64 else translation / 512
        assert torch.equal(sample((points @ rotation.T + shift).unsqueeze(0).to(dtype)), expected)


@pytest.mark.parametrize("cloud", [random_cloud, lattice], ids=["random", "lattice"])
def test_the_picks_do_not_read_the_order_of_the_nodes(cloud):
    sample, points = FarthestPointSampling(0.35), cloud()
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    assert torch.equal(order[sample(points[order].unsqueeze(0))], sample(points.unsqueeze(0)))


def test_the_picks_do_not_read_other_samples():
    sample = FarthestPointSampling(0.35)
    batch = torch.stack([random_cloud(), collinear(), duplicated()])
    for one, picks in zip(batch, sample(batch), strict=True):
        assert torch.equal(sample(one.unsqueeze(0))[0], picks)


def test_both_dtypes_pick_alike():
    sample, batch = FarthestPointSampling(0.35), torch.stack([random_cloud(300, seed) for seed in range(8)]).float()
    assert torch.equal(sample(batch), sample(batch.double()))


@pytest.mark.parametrize("ratio", [-0.1, 1, float("nan")])
def test_a_ratio_out_of_range_is_an_error(ratio):
    with pytest.raises(ValueError, match="ratio: expected a fraction of points to drop"):
        FarthestPointSampling(ratio)
