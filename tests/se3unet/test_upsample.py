import pytest
import torch

from se3unet.upsample import Upsample
from tests.se3unet.clouds import CLOUDS, FAR, lattice, random_cloud
from tests.se3unet.so3_oracle import haar_rotations, largest_difference, matrix, random_fibers, rotate_fibers

IRREPS = "3x0e+4x1e+2x2e"


def halves(cloud):
    """Known points, and all points: some known, some not."""
    points = cloud().unsqueeze(0)
    return points[:, ::2], points


@pytest.mark.parametrize("power", [1.0, 2.0, 3.5])
def test_weights_are_inverse_powers_of_the_distance_within_the_envelope(power):
    coarse, fine = random_cloud(12, seed=1).unsqueeze(0), random_cloud(5, seed=2).unsqueeze(0)
    fibers = random_fibers(IRREPS, 1, 12)
    output = Upsample(6, power)(fibers, coarse, fine)
    for node in range(5):
        distances = (coarse[0] - fine[0, node]).norm(dim=-1)
        ratio = distances / distances.sort().values[5]
        weights = torch.where(ratio < 1, (1 - ratio**4) ** 2, 0) / distances**power
        for degree, feature in fibers.items():
            expected = torch.einsum("m,mcd->cd", weights / weights.sum(), feature[0])
            torch.testing.assert_close(output[degree][0, node], expected)


@pytest.mark.parametrize("power", [0.5, 2.0, 40.0])
def test_a_known_point_gets_its_value_and_a_constant_is_kept(power):
    coarse, fine = halves(random_cloud)
    fibers = random_fibers(IRREPS, 1, 30)
    output = Upsample(6, power)(fibers, coarse, fine)
    for degree, feature in fibers.items():
        assert torch.equal(output[degree][:, ::2], feature)
    ones = Upsample(6, power)({0: torch.ones(1, 30, 1, 1, dtype=torch.float64)}, coarse, fine)
    torch.testing.assert_close(ones[0], torch.ones_like(ones[0]))


def test_a_value_of_zero_is_a_value():
    coarse, fine = halves(random_cloud)
    fibers = random_fibers(IRREPS, 1, 30)
    fibers[0][0, 4] = 0
    assert float(Upsample(6, 2.0)(fibers, coarse, fine)[0][0, 8].abs().max()) == 0


def test_a_point_close_to_a_known_one_gets_nearly_its_value():
    coarse = random_cloud(12).unsqueeze(0)
    fibers = random_fibers(IRREPS, 1, 12)
    output = Upsample(6, 2.0)(fibers, coarse, coarse + 1e-6)
    assert largest_difference(output, fibers) < 1e-9


def test_known_points_at_one_distance_all_count():
    """The centre of a cube sees eight corners; four are asked for, which no rule could choose."""
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 3).unsqueeze(0)
    values = torch.arange(8, dtype=torch.float64).view(1, 8, 1, 1)
    output = Upsample(4, 2.0)({0: values}, corners, torch.zeros(1, 1, 3, dtype=torch.float64))
    torch.testing.assert_close(output[0], torch.full_like(output[0], 3.5))


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_upsampling_is_equivariant(cloud):
    coarse, fine = halves(cloud)
    upsample, fibers = Upsample(6, 2.0), random_fibers(IRREPS, *coarse.shape[:2])
    expected = upsample(fibers, coarse, fine)
    for rotation in haar_rotations(2):
        turn = matrix(rotation).T
        actual = upsample(rotate_fibers(fibers, rotation), coarse @ turn, fine @ turn)
        assert largest_difference(actual, rotate_fibers(expected, rotation)) < 1e-12
    assert largest_difference(upsample(fibers, coarse + FAR, fine + FAR), expected) < 1e-12


def test_upsampling_follows_permutations_and_does_not_read_other_samples():
    coarse, fine = torch.stack([random_cloud(20), lattice()[:20]]), torch.stack([random_cloud(48), lattice()])
    upsample, fibers = Upsample(6, 2.0), random_fibers(IRREPS, 2, 20)
    expected = upsample(fibers, coarse, fine)
    generator = torch.Generator().manual_seed(0)
    known, asked = torch.randperm(20, generator=generator), torch.randperm(48, generator=generator)
    permuted = upsample({degree: f[:, known] for degree, f in fibers.items()}, coarse[:, known], fine[:, asked])
    assert largest_difference(permuted, {degree: f[:, asked] for degree, f in expected.items()}) < 1e-13
    alone = upsample({degree: f[1:] for degree, f in fibers.items()}, coarse[1:], fine[1:])
    assert largest_difference(alone, {degree: f[1:] for degree, f in expected.items()}) < 1e-13


@pytest.mark.parametrize("power", [0.5, 2.0])
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_gradients_are_finite(cloud, power):
    coarse, fine = (points.requires_grad_() for points in halves(cloud))
    fibers = {degree: f.requires_grad_() for degree, f in random_fibers(IRREPS, *coarse.shape[:2]).items()}
    output = Upsample(6, power)(fibers, coarse, fine)
    sum(feature.square().sum() for feature in output.values()).backward()
    for leaf in (coarse, fine, *fibers.values()):
        assert leaf.grad.isfinite().all()


def test_what_cannot_be_upsampled_is_an_error():
    with pytest.raises(ValueError, match="coarse_positions: expected neighbours=6 known points or more, got 5"):
        Upsample(6, 2.0)(random_fibers(IRREPS, 1, 5), random_cloud(5).unsqueeze(0), random_cloud(9).unsqueeze(0))
    with pytest.raises(ValueError, match="power: expected a number above 0, got 0"):
        Upsample(6, 0)
    with pytest.raises(ValueError, match="neighbours: expected 1 or more, got 0"):
        Upsample(0, 2.0)
