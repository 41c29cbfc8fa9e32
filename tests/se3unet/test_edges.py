import pytest
import torch

from se3unet.edges import NEAR_FIELD, EdgeGeometry
from se3unet.graph import KNNGraph
from se3unet.so3 import KernelBasis
from tests.se3unet.clouds import CLOUDS, FAR, random_cloud
from tests.se3unet.so3_oracle import haar_rotations, matrix, wigner_d


def edges_of(points, max_degree=2):
    return EdgeGeometry(max_degree)(KNNGraph(6)(points))


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_geometry_is_equivariant(cloud):
    points = cloud().unsqueeze(0)
    expected = edges_of(points)
    for rotation in haar_rotations(2):
        turned = edges_of(points @ matrix(rotation).T)
        assert float((turned.invariants - expected.invariants).abs().max()) < 1e-13
        for (i, o), kernels in expected.basis.items():
            left, right = wigner_d(o, rotation), wigner_d(i, rotation)
            turned_kernels = torch.einsum("ab,...bcf,dc->...adf", left, kernels, right)
            assert float((turned.basis[i, o] - turned_kernels).abs().max()) < 1e-12
    moved = edges_of(points + FAR)
    assert torch.equal(moved.invariants, expected.invariants)
    assert all(torch.equal(moved.basis[pair], kernels) for pair, kernels in expected.basis.items())


def test_each_frequency_is_damped_by_its_power():
    graph = KNNGraph(6)(random_cloud().unsqueeze(0))
    basis = KernelBasis(2)(graph.vectors)
    ratio = graph.distances / (NEAR_FIELD * graph.distances[..., -1:])
    damping = ratio / (1 + ratio**2).sqrt()
    damped = EdgeGeometry(2)(graph).basis
    for index, frequency in enumerate((1, 2, 3)):
        expected = basis[1, 2][..., index] * (damping**frequency)[..., None, None]
        torch.testing.assert_close(damped[1, 2][..., index], expected)
    assert torch.equal(damped[0, 0], basis[0, 0])


def test_geometry_is_continuous_where_two_points_meet():
    points = random_cloud()
    nearly = points.clone()
    points[1], nearly[1] = points[0], points[0] + 1e-9
    together, apart = edges_of(points.unsqueeze(0)), edges_of(nearly.unsqueeze(0))
    for pair, kernels in together.basis.items():
        assert float((kernels[0, 0] - apart.basis[pair][0, 0]).abs().max()) < 1e-7


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_gradients_are_finite(cloud):
    points = cloud().unsqueeze(0).requires_grad_()
    edges = edges_of(points)
    (edges.invariants.sum() + sum(kernels.square().sum() for kernels in edges.basis.values())).backward()
    assert points.grad.isfinite().all()
