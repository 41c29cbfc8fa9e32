import torch

from se3unet.layers.head import Embed, InvariantHead
from tests.se3unet.clouds import FAR, random_cloud
from tests.se3unet.so3_oracle import haar_rotations, matrix, perturb, random_fibers, rotate_fibers

IRREPS = "3x0e+4x1e+2x2e"


def head():
    torch.manual_seed(0)
    module = InvariantHead(IRREPS, 7, 16).double()
    perturb(module)
    return module.requires_grad_(False)


def test_first_features_are_a_constant_and_the_centred_position():
    points = random_cloud().unsqueeze(0)
    fibers = Embed()(points)
    assert torch.equal(fibers[0], torch.ones(1, 60, 1, 1, dtype=torch.float64))
    torch.testing.assert_close(fibers[1][:, :, 0], points - points.mean(1, keepdim=True))
    assert float((Embed()(points + FAR)[1] - fibers[1]).abs().max()) < 1e-12
    for rotation in haar_rotations(2):
        turned = Embed()(points @ matrix(rotation).T)[1]
        assert float((turned - fibers[1] @ matrix(rotation).T).abs().max()) < 1e-14


def test_logits_do_not_turn():
    module, fibers = head(), random_fibers(IRREPS, 2, 9)
    expected = module(fibers)
    assert expected.shape == (2, 9, 7)
    for rotation in haar_rotations(3):
        assert float((module(rotate_fibers(fibers, rotation)) - expected).abs().max()) < 1e-13


def test_logits_tell_left_from_right():
    """A mirror turns vectors over and leaves pseudovectors: their inner products, and so the logits, change."""
    module, fibers = head(), random_fibers(IRREPS, 2, 9)
    signs = torch.tensor([-1.0, -1.0, 1.0, 1.0], dtype=torch.float64).view(-1, 1)
    mirrored = {**fibers, 1: signs * fibers[1]}
    assert float((module(mirrored) - module(fibers)).abs().max()) > 1e-2
    both = {**fibers, 1: -fibers[1]}
    assert float((module(both) - module(fibers)).abs().max()) < 1e-13


def test_every_channel_counts_and_gradients_are_finite_at_zero():
    module, fibers = head(), {degree: f.requires_grad_() for degree, f in random_fibers(IRREPS, 9).items()}
    module(fibers).square().sum().backward()
    assert all((feature.grad.abs().sum((0, 2)) > 0).all() for feature in fibers.values())
    zeros = {degree: torch.zeros_like(f).requires_grad_() for degree, f in fibers.items()}
    module(zeros).square().sum().backward()
    assert all(feature.grad.isfinite().all() for feature in zeros.values())
