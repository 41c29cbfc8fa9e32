import numpy as np
import pytest
import torch

from se3unet.geometry.sampling import FarthestPointSampling, Sample, kept_points
from tests.se3unet.clouds import CLOUDS, collinear, duplicated, lattice, motions, random_cloud

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize(
    ("points", "ratio", "kept"), [(1024, 0.35, 666), (666, 0.35, 433), (100, 0.29, 71), (7, 0, 7), (1, 0.9, 1)]
)
def test_the_number_of_picks(points, ratio, kept):
    assert kept_points(points, ratio) == kept
    assert FarthestPointSampling(ratio)(random_cloud(points).unsqueeze(0)).picks.shape == (1, kept)


def greedy(points, count):
    radii = np.linalg.norm(points - points.mean(0), axis=1)
    picks = [int(radii.argmax())]
    while len(picks) < count:
        picks.append(int(np.linalg.norm(points[:, None] - points[picks], axis=-1).min(1).argmax()))
    return picks


def test_the_picks_are_those_of_the_greedy_algorithm():
    points = random_cloud(200)
    picks = FarthestPointSampling(0.5)(points.unsqueeze(0)).picks[0]
    assert set(picks.tolist()) == set(greedy(points.numpy(), 100))


def test_picks_come_farthest_from_the_centroid_first():
    points = random_cloud(200)
    radii = (points - points.mean(0)).norm(dim=-1)
    picks = FarthestPointSampling(0.5)(points.unsqueeze(0)).picks[0]
    assert int(picks[0]) == int(radii.argmax())
    assert (radii[picks].diff() <= 0).all()


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_every_point_is_picked_at_most_once(cloud):
    picks = FarthestPointSampling(0.1)(cloud().unsqueeze(0)).picks[0]
    assert len(set(picks.tolist())) == len(picks)


def same(first, second):
    """Equal picks, and presences equal up to what rounding of the coordinates does to them."""
    tolerance = 1e-12 if first.presence.dtype == second.presence.dtype == torch.float64 else 1e-4
    difference = (first.presence.double() - second.presence.double()).abs().max()
    return torch.equal(first.picks, second.picks) and float(difference) < tolerance


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_the_sample_does_not_read_the_frame(cloud, dtype):
    sample, points = FarthestPointSampling(0.35), cloud()
    expected = sample(points.unsqueeze(0).to(dtype))
    assert expected.presence.dtype == dtype
    for rotation, translation in motions():
        shift = translation if dtype == torch.float64 else translation / 512
        assert same(sample((points @ rotation.T + shift).unsqueeze(0).to(dtype)), expected)


@pytest.mark.parametrize("cloud", [random_cloud, lattice], ids=["random", "lattice"])
def test_the_sample_does_not_read_the_order_of_the_nodes(cloud):
    sample, points = FarthestPointSampling(0.35), cloud()
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    permuted = sample(points[order].unsqueeze(0))
    assert same(Sample(order[permuted.picks], permuted.presence), sample(points.unsqueeze(0)))


def test_the_sample_does_not_read_other_samples():
    sample = FarthestPointSampling(0.35)
    batch = torch.stack([random_cloud(), collinear(), duplicated()])
    together = sample(batch)
    for index, one in enumerate(batch):
        expected = Sample(together.picks[index : index + 1], together.presence[index : index + 1])
        assert same(sample(one.unsqueeze(0)), expected)


def test_both_dtypes_sample_alike():
    sample, batch = FarthestPointSampling(0.35), torch.stack([random_cloud(300, seed) for seed in range(8)]).float()
    assert same(sample(batch), sample(batch.double()))


def test_nothing_fades_where_nothing_is_left_out():
    points = random_cloud(20).unsqueeze(0)
    assert torch.equal(FarthestPointSampling(0)(points).presence, torch.ones(1, 20, dtype=torch.float64))
    assert torch.equal(FarthestPointSampling(0.5)(0 * points).presence, torch.ones(1, 10, dtype=torch.float64))
    assert FarthestPointSampling(0.99)(points).presence.tolist() == [[1]]


def sample_line(*coordinates):
    """Presence of the picks, by coordinate, when one of the points on a line is left out."""
    x = torch.tensor(coordinates, dtype=torch.float64)
    sample = FarthestPointSampling(1 / len(x))(torch.stack([x, 0 * x, 0 * x], -1).unsqueeze(0))
    return dict(zip(x[sample.picks[0]].tolist(), sample.presence[0].tolist(), strict=True))


def test_picks_fade_towards_the_best_point_left_out():
    # 60 is 10 from the picks before it; 91, 9 from them, is left out. The rim is 9.5; full presence begins at 12.35.
    presence = sample_line(0, 100, 50, 25, 60, 91)
    faded = (10 / 9.5 - 1) / 0.3
    assert presence == {0: 1, 100: 1, 50: 1, 25: 1, 60: pytest.approx(faded**2 * (3 - 2 * faded))}


def test_points_that_change_places_at_the_last_pick_are_hardly_present():
    first, second = sample_line(0, 100, 50, 25, 36, 60.001, 90), sample_line(0, 100, 50, 25, 36, 59.999, 90)
    assert first.keys() - second.keys() == {60.001}
    assert second.keys() - first.keys() == {90}
    assert max(first.pop(60.001), second.pop(90)) < 1e-6
    assert 0.2 < first[36] < 0.8
    assert first == pytest.approx(second, abs=1e-3)


@pytest.mark.parametrize("ratio", [-0.1, 1, float("nan")])
def test_a_ratio_out_of_range_is_an_error(ratio):
    with pytest.raises(ValueError, match="ratio: expected a fraction of points to drop"):
        FarthestPointSampling(ratio)
