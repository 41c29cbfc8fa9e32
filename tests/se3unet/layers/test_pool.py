import pytest
import torch

from se3unet.geometry.graph import KNNGraph, gather
from se3unet.layers.pool import Aggregate, Pool
from tests.se3unet.clouds import CLOUDS, FAR, random_cloud
from tests.se3unet.so3_oracle import haar_rotations, largest_difference, matrix, random_fibers, rotate_fibers

pytestmark = pytest.mark.numeric

IRREPS = "3x0e+4x1e+2x2e"
POOLINGS = ("sum", "mean", "max")


def neighbourhood(feature, graph, node):
    """The vectors that are aggregated at one node of the first sample: its own, then the weighted neighbours'."""
    others = [u * feature[0, j] for u, j in zip(graph.envelope[0, node], graph.neighbours[0, node], strict=True)]
    return torch.stack([feature[0, node], *others])


def test_sum_mean_and_largest_of_a_neighbourhood():
    graph, fibers, node = KNNGraph(6)(random_cloud().unsqueeze(0)), random_fibers(IRREPS, 1, 60), 13
    outputs = {pooling: Aggregate(pooling)(fibers, graph) for pooling in POOLINGS}
    for degree, feature in fibers.items():
        vectors = neighbourhood(feature, graph, node)
        torch.testing.assert_close(outputs["sum"][degree][0, node], vectors.sum(0))
        mean = vectors.sum(0) / (1 + graph.envelope[0, node].sum())
        torch.testing.assert_close(outputs["mean"][degree][0, node], mean)
        for channel in range(feature.shape[2]):
            largest = max(vectors[:, channel], key=lambda vector: float(vector.norm()))
            assert torch.equal(outputs["max"][degree][0, node, channel], largest)


def test_the_mean_of_a_constant_is_the_constant():
    graph = KNNGraph(6)(random_cloud().unsqueeze(0))
    output = Aggregate("mean")({0: torch.full((1, 60, 2, 1), 3.0, dtype=torch.float64)}, graph)
    torch.testing.assert_close(output[0], torch.full_like(output[0], 3.0))


def test_among_equal_norms_the_nearest_counts():
    graph = KNNGraph(6)(random_cloud().unsqueeze(0))
    feature = torch.zeros(1, 60, 1, 3, dtype=torch.float64)
    feature[0, 0, 0, 0] = 1
    feature[0, graph.neighbours[0, 0, 0], 0, 1] = 1 / graph.envelope[0, 0, 0]
    output = Aggregate("max")({1: feature}, graph)
    assert torch.equal(output[1][0, 0], feature[0, 0])


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_pool_is_equivariant(cloud, pooling):
    pool, knn = Pool(0.35, 6, pooling), KNNGraph(6)
    points = cloud().unsqueeze(0)
    fibers = random_fibers(IRREPS, *points.shape[:2])
    expected = pool(fibers, knn(points))
    for rotation in haar_rotations(2):
        turned = pool(rotate_fibers(fibers, rotation), knn(points @ matrix(rotation).T))
        assert torch.equal(turned.picks, expected.picks)
        assert torch.equal(turned.graph.neighbours, expected.graph.neighbours)
        assert largest_difference(turned.fibers, rotate_fibers(expected.fibers, rotation)) < 2e-12
    moved = pool(fibers, knn(points + FAR))
    assert largest_difference(moved.fibers, expected.fibers) < 1e-12
    torch.testing.assert_close(moved.graph.positions, expected.graph.positions + FAR)


def test_pool_keeps_the_picks_and_connects_them():
    pool, points = Pool(0.35, 6, "sum"), random_cloud().unsqueeze(0)
    graph, fibers = KNNGraph(6)(points), random_fibers(IRREPS, 1, 60)
    pooled = pool(fibers, graph)
    assert pooled.picks.shape == (1, 39)
    assert torch.equal(pooled.graph.positions, gather(points, pooled.picks))
    assert torch.equal(pooled.graph.neighbours, KNNGraph(6)(pooled.graph.positions).neighbours)
    assert torch.equal(pooled.graph.presence, pool.sample(points).presence)
    aggregated = Aggregate("sum")(fibers, graph)
    assert torch.equal(pooled.fibers[1], gather(aggregated[1], pooled.picks))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pool_reads_neither_node_order_nor_other_samples(pooling):
    pool, knn = Pool(0.35, 6, pooling), KNNGraph(6)
    points, fibers = torch.stack([random_cloud(seed=1), random_cloud(seed=2)]), random_fibers(IRREPS, 2, 60)
    expected = pool(fibers, knn(points))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    permuted = pool({degree: feature[:, order] for degree, feature in fibers.items()}, knn(points[:, order]))
    assert torch.equal(order[permuted.picks], expected.picks)
    assert largest_difference(permuted.fibers, expected.fibers) < 1e-13
    alone = pool({degree: feature[1:] for degree, feature in fibers.items()}, knn(points[1:]))
    assert torch.equal(alone.picks, expected.picks[1:])
    assert (
        largest_difference(alone.fibers, {degree: feature[1:] for degree, feature in expected.fibers.items()}) < 1e-13
    )


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_gradients_are_finite(cloud, pooling):
    points = cloud().unsqueeze(0).requires_grad_()
    fibers = {degree: f.requires_grad_() for degree, f in random_fibers(IRREPS, *points.shape[:2]).items()}
    pooled = Pool(0.35, 6, pooling)(fibers, KNNGraph(6)(points))
    sum(feature.square().sum() for feature in pooled.fibers.values()).backward()
    assert points.grad.isfinite().all()
    assert all(feature.grad.abs().sum() > 0 for feature in fibers.values())


def test_inputs_are_left_alone():
    points, fibers = random_cloud().unsqueeze(0), random_fibers(IRREPS, 1, 60)
    graph = KNNGraph(6)(points)
    before = points.clone(), {degree: feature.clone() for degree, feature in fibers.items()}, graph.neighbours.clone()
    Pool(0.35, 6, "max")(fibers, graph)
    assert torch.equal(points, before[0])
    assert largest_difference(fibers, before[1]) == 0
    assert torch.equal(graph.neighbours, before[2])


def test_what_cannot_be_pooled_is_an_error():
    with pytest.raises(ValueError, match="pooling: expected one of sum, mean, max, got 'median'"):
        Aggregate("median")
    with pytest.raises(ValueError, match="positions: expected more than neighbours=6 points, got 5"):
        Pool(0.5, 6, "sum")(random_fibers(IRREPS, 1, 10), KNNGraph(6)(random_cloud(10).unsqueeze(0)))
