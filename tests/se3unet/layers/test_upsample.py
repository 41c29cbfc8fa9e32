import pytest
import torch

from se3unet.geometry.graph import KNNGraph, connect
from se3unet.layers.upsample import Upsample
from tests.se3unet.clouds import CLOUDS, FAR, lattice, random_cloud
from tests.se3unet.so3_oracle import haar_rotations, largest_difference, matrix, random_fibers, rotate_fibers

pytestmark = pytest.mark.numeric

IRREPS = "3x0e+4x1e+2x2e"


def graph_of(points, presence=None):
    return KNNGraph(6)(points, presence)


def halves(points):
    """Graphs of the known points, every second one, and of all."""
    return graph_of(points[:, ::2]), graph_of(points)


@pytest.mark.parametrize("power", [1.0, 2.0, 3.5])
def test_weights_are_those_of_the_formula(power):
    presence = torch.linspace(0.1, 1, 30, dtype=torch.float64).unsqueeze(0)
    coarse, fine = graph_of(random_cloud(30, seed=1).unsqueeze(0), presence), graph_of(random_cloud().unsqueeze(0))
    fibers = random_fibers(IRREPS, 1, 30)
    output = Upsample(power)(fibers, coarse, fine)
    for node in range(60):
        distances = (coarse.positions[0] - fine.positions[0, node]).norm(dim=-1)
        reach = max(fine.reach[0, node], 1.1 * distances.min())
        envelope = torch.where(distances < reach, (1 - (distances / reach) ** 4) ** 2, 0)
        weights = presence[0] * envelope / (distances**power + (1 - presence[0]) * (0.15 * reach) ** power)
        for degree, feature in fibers.items():
            expected = torch.einsum("m,mcd->cd", weights / weights.sum(), feature[0])
            torch.testing.assert_close(output[degree][0, node], expected)


@pytest.mark.parametrize("power", [0.5, 2.0, 40.0])
def test_a_known_point_gets_its_value_and_a_constant_is_kept(power):
    coarse, fine = halves(random_cloud().unsqueeze(0))
    fibers = random_fibers(IRREPS, 1, 30)
    output = Upsample(power)(fibers, coarse, fine)
    for degree, feature in fibers.items():
        assert torch.equal(output[degree][:, ::2], feature)
    ones = Upsample(power)({0: torch.ones(1, 30, 1, 1, dtype=torch.float64)}, coarse, fine)
    torch.testing.assert_close(ones[0], torch.ones_like(ones[0]))


def test_a_value_of_zero_is_a_value():
    coarse, fine = halves(random_cloud().unsqueeze(0))
    fibers = random_fibers(IRREPS, 1, 30)
    fibers[0][0, 4] = 0
    assert float(Upsample(2.0)(fibers, coarse, fine)[0][0, 8].abs().max()) == 0


def test_a_known_point_that_fades_gives_way_to_the_others():
    points, fibers, others = random_cloud().unsqueeze(0), random_fibers(IRREPS, 1, 30), torch.arange(30) != 4
    without = Upsample(2.0)(
        {degree: feature[:, others] for degree, feature in fibers.items()},
        graph_of(points[:, ::2][:, others]),
        graph_of(points),
    )
    distances = []
    for share in (1.0, 1 - 1e-9, 0.9, 0.5, 0.1, 1e-12):
        presence = torch.ones(1, 30, dtype=torch.float64)
        presence[0, 4] = share
        output = Upsample(2.0)(fibers, graph_of(points[:, ::2], presence), graph_of(points))
        distances.append(
            float((output[0][0, 8] - fibers[0][0, 4]).norm() / (without[0][0, 8] - fibers[0][0, 4]).norm())
        )
    assert distances[0] == 0
    assert distances[1] < 1e-8
    assert distances == sorted(distances)
    assert largest_difference(output, without) < 1e-9


def test_upsampling_is_continuous_where_a_fading_point_is_met():
    points, fibers = random_cloud().unsqueeze(0), random_fibers(IRREPS, 1, 30)
    coarse = graph_of(points[:, ::2], torch.linspace(0.1, 1, 30, dtype=torch.float64).unsqueeze(0))
    output, nearby = (Upsample(2.0)(fibers, coarse, graph_of(fine)) for fine in (points, points + 1e-9))
    assert largest_difference(output, nearby) < 1e-7


def test_a_point_close_to_a_known_one_gets_nearly_its_value():
    points, fibers = random_cloud(12).unsqueeze(0), random_fibers(IRREPS, 1, 12)
    output = Upsample(2.0)(fibers, graph_of(points), graph_of(points + 1e-6))
    assert largest_difference(output, fibers) < 1e-9


def test_known_points_beyond_the_reach_count_where_none_is_within():
    """The centre of a cube, with neighbours of its own close by, sees the eight corners, all at one distance."""
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 3).unsqueeze(0)
    near = torch.cat([torch.zeros(1, 1, 3, dtype=torch.float64), 0.1 * random_cloud(5).unsqueeze(0)], 1)
    fine = connect(near, (torch.arange(6).view(6, 1) + torch.arange(1, 3)).remainder(6).unsqueeze(0))
    values = torch.arange(8, dtype=torch.float64).view(1, 8, 1, 1)
    output = Upsample(2.0)({0: values}, graph_of(corners), fine)
    torch.testing.assert_close(output[0][0, 0], torch.full((1, 1), 3.5, dtype=torch.float64))


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_upsampling_is_equivariant(cloud):
    points = cloud().unsqueeze(0)
    upsample, fibers = Upsample(2.0), random_fibers(IRREPS, 1, (points.shape[1] + 1) // 2)
    expected = upsample(fibers, *halves(points))
    for rotation in haar_rotations(2):
        actual = upsample(rotate_fibers(fibers, rotation), *halves(points @ matrix(rotation).T))
        assert largest_difference(actual, rotate_fibers(expected, rotation)) < 1e-12
    assert largest_difference(upsample(fibers, *halves(points + FAR)), expected) < 1e-12


def test_upsampling_follows_permutations_and_does_not_read_other_samples():
    coarse, fine = torch.stack([random_cloud(20), lattice()[:20]]), torch.stack([random_cloud(48), lattice()])
    upsample, fibers = Upsample(2.0), random_fibers(IRREPS, 2, 20)
    expected = upsample(fibers, graph_of(coarse), graph_of(fine))
    generator = torch.Generator().manual_seed(0)
    known, asked = torch.randperm(20, generator=generator), torch.randperm(48, generator=generator)
    shuffled = {degree: feature[:, known] for degree, feature in fibers.items()}
    permuted = upsample(shuffled, graph_of(coarse[:, known]), graph_of(fine[:, asked]))
    assert largest_difference(permuted, {degree: f[:, asked] for degree, f in expected.items()}) < 1e-13
    alone = upsample({degree: f[1:] for degree, f in fibers.items()}, graph_of(coarse[1:]), graph_of(fine[1:]))
    assert largest_difference(alone, {degree: f[1:] for degree, f in expected.items()}) < 1e-13


@pytest.mark.parametrize("power", [0.5, 2.0])
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_gradients_are_finite(cloud, power):
    points = cloud().unsqueeze(0).requires_grad_()
    fibers = {degree: f.requires_grad_() for degree, f in random_fibers(IRREPS, 1, (points.shape[1] + 1) // 2).items()}
    output = Upsample(power)(fibers, *halves(points))
    sum(feature.square().sum() for feature in output.values()).backward()
    for leaf in (points, *fibers.values()):
        assert leaf.grad.isfinite().all()


def test_a_power_out_of_range_is_an_error():
    with pytest.raises(ValueError, match="power: expected a number above 0, got 0"):
        Upsample(0)
