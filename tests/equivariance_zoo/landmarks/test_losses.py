import math

import pytest
import torch

from equivariance_zoo.landmarks.losses import LossSettings, adaptive_wing, cross_entropy, heatmap_loss

KINDS = (adaptive_wing, cross_entropy)


def values(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("x", "y"), [(0.2, 0.5), (0.9, 0.1), (0.0, 1.0), (0.4, 0.4)])
def test_adaptive_wing_is_the_formula_of_the_report(x, y):
    omega, theta, epsilon, alpha = 14.0, 0.5, 1.0, 2.1
    power = alpha - y
    slope = omega / (1 + (theta / epsilon) ** power) * power * (theta / epsilon) ** (power - 1) / epsilon
    constant = theta * slope - omega * math.log(1 + (theta / epsilon) ** power)
    distance = abs(y - x)
    near = omega * math.log(1 + (distance / epsilon) ** power)
    expected = near if distance < theta else slope * distance - constant
    got = adaptive_wing(*(torch.tensor([v], dtype=torch.float64) for v in (x, y)))
    assert float(got) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("epsilon", [0.5, 1.0])
def test_adaptive_wing_is_smooth_where_its_pieces_meet(epsilon):
    x = (torch.tensor([0.3 + 0.5 - 1e-9, 0.3 + 0.5 + 1e-9], dtype=torch.float64)).requires_grad_()
    loss = adaptive_wing(x, torch.full((2,), 0.3, dtype=torch.float64), epsilon=epsilon)
    (slopes,) = torch.autograd.grad(loss.sum(), x)
    loss = loss.detach()
    assert float(loss[0]) == pytest.approx(float(loss[1]), abs=1e-7)
    assert float(slopes[0]) == pytest.approx(float(slopes[1]), rel=1e-6)


@pytest.mark.parametrize("loss", KINDS)
def test_losses_are_zero_at_the_target_alone_and_have_finite_gradients(loss):
    target = torch.cat([values(50), torch.tensor([0.0, 1.0], dtype=torch.float64)])
    assert float(loss(target.clamp(1e-9, 1 - 1e-9), target).abs().max()) < 1e-7
    guess = values(52, seed=1).clamp(0.01, 0.99).requires_grad_()
    assert (loss(guess, target) > 0).all()
    same = target.clone().clamp(1e-3, 1 - 1e-3).requires_grad_()
    for x in (guess, same):
        (slope,) = torch.autograd.grad(loss(x, target).sum(), x)
        assert slope.isfinite().all()


def test_the_order_of_the_arguments_matters():
    """The exponent is that of the target: the original passed them the wrong way round."""
    x, y = torch.tensor([0.2]), torch.tensor([0.6])
    assert float(adaptive_wing(x, y)) != pytest.approx(float(adaptive_wing(y, x)))


def test_the_gradient_of_the_cross_entropy_does_not_vanish_where_the_sigmoid_saturates():
    logit = torch.tensor([-12.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(cross_entropy(logit.sigmoid(), torch.ones(1, dtype=torch.float64)).sum(), logit)
    assert float(slope) == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("kind", ["adaptive_wing", "cross_entropy"])
def test_foreground_counts_more(kind):
    x, y = values(3, 4, 5).clamp(0.01, 0.99), values(3, 4, 5, seed=1)
    each = {"adaptive_wing": adaptive_wing, "cross_entropy": cross_entropy}[kind](x, y)
    expected = torch.where(y > 0.2, 11 * each, each).mean()
    torch.testing.assert_close(heatmap_loss(LossSettings(kind, foreground_weight=10.0))(x, y), expected)
    torch.testing.assert_close(heatmap_loss(LossSettings(kind, foreground_weight=0.0))(x, y), each.mean())


@pytest.mark.parametrize("loss", KINDS)
def test_shapes_must_agree(loss):
    with pytest.raises(ValueError, match=r"input, target: expected one shape, got \[2\] and \[1\]"):
        loss(torch.zeros(2), torch.zeros(1))
