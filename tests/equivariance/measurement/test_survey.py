"""Rounding is no break: ties, hidden conditioning, unstable sums, and what they are called instead."""

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from equivariance import Irreps, NodeIndices
from equivariance._engine.measurement.rounding_floors import RoundingFloors
from equivariance.groups import InputSizes, Permutations
from tests.equivariance.helpers.specimens import Applied, Scale, Stack, normal

pytestmark = pytest.mark.numeric

POINTS = normal(8, 3)
SEEDS = range(6)


def causes(entries):
    return {entry.cause for entry in entries}


def tied(seed):
    """A cloud whose two farthest points are equally far from the origin, though rounding may not think so."""
    points = normal(8, 3, seed=seed)
    points[0], points[1] = torch.tensor([6.0, 2, 4]), torch.tensor([-2.0, 4, 6])
    return points


def farthest(x):
    return x.norm(dim=-1).argmax()


ALONE = Irreps("1x1o", nodes=None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_tie_of_two_is_never_a_break(seed, dtype):
    points = tied(seed).to(dtype)
    for function, spec in ((farthest, NodeIndices(nodes=None)), (lambda x: x[farthest(x)], ALONE)):
        report = eq.check(function, points, "1x1o", spec, group="so3", seed=seed)
        assert report.ok, report
        assert causes(report.notes) <= {"discrete-tie", "ill-conditioned"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tie_within_a_network_is_never_a_break(seed):
    network = Stack(Scale(8), Applied(lambda x: x), Applied(lambda x: x[farthest(x)] + x))
    report = eq.diagnose(network, tied(seed), "1x1o", "1x1o", group="so3", seed=seed)
    assert report.ok, report


def test_a_selection_by_the_frame_is_a_break_even_of_a_tied_cloud():
    report = eq.check(lambda x: x[x[:, 0].argmax()], tied(0), "1x1o", ALONE, group="so3")
    assert [f.symmetry for f in report.findings] == ["rotation"]


class Gained(nn.Module):
    """x plus a gain, zero at first, times x in a detour that loses ``bits`` decimal digits."""

    def __init__(self, digits, gain=0.0, broken=False):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.far, self.broken = 10.0**digits, broken

    def forward(self, x):
        mean = self.far * x.mean(0)
        result = x + self.gain * ((x + mean) - mean)
        return result + 1e-7 * x.abs() if self.broken else result


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("digits", [4, 7, 10])
@pytest.mark.parametrize("gain", [0.0, 1.0])
def test_digits_that_a_sound_layer_loses_are_no_break(gain, digits, dtype):
    report = eq.check(Gained(digits, gain).to(dtype), POINTS.to(dtype), "1x1o", "1x1o", group=["o3", "permutation"])
    assert report.ok, report


@pytest.mark.parametrize("digits", [2, 4])
def test_a_small_break_beside_lost_digits_is_found(digits):
    module = Gained(digits, broken=True).double()
    report = eq.check(module, POINTS.double(), "1x1o", "1x1o", group="so3")
    assert [f.symmetry for f in report.findings] == ["rotation"]
    assert causes(report.findings) <= {"precision", "component-mixing"}


def test_lost_digits_within_a_network_are_a_note_at_their_layer():
    network = Stack(Scale(8), Gained(7, 1.0), Scale(8, seed=1)).double()
    network.layers[1].irreps_in = network.layers[1].irreps_out = "1x1o"
    report = eq.diagnose(network, POINTS.double(), "1x1o", "1x1o", group="so3")
    assert report.ok, report
    assert {(note.layer, note.cause) for note in report.notes} == {("layers.1", "ill-conditioned")}


class Pair(nn.Module):
    """A bilinear product of the features with themselves."""

    def __init__(self, product):
        super().__init__()
        self.product = product

    def forward(self, x):
        return self.product(x, x)


class Diverging(nn.Module):
    """Calls its layer once more where the farthest point is the first: chance, where two are equally far."""

    irreps_in = irreps_out = "1x1o"

    def __init__(self):
        super().__init__()
        self.step = Scale(8)

    def forward(self, x):
        return self.step(self.step(x)) if farthest(x) == 0 else self.step(x)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_course_that_hangs_on_rounding_is_no_break(seed):
    assert eq.diagnose(Stack(Diverging()), tied(seed), "1x1o", "1x1o", group="so3", seed=seed).ok


def test_states_and_elements_all_have_their_turn():
    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(3))

        def forward(self, x):
            return x + self.bias if self.training else x

    for count in (1, 2, 3):
        report = eq.check(Late(), POINTS, "1x1o", "1x1o", group="o3", samples=count)
        assert {symmetry for f in report.findings for symmetry in f.symmetries} == {"rotation", "inversion"}


def test_only_the_worst_error_of_a_site_is_measured_again(monkeypatch):
    """Constants rounded to float32 leave an error in every sample; each new measurement costs the layer a run."""
    remeasured, remeasure = [], RoundingFloors.remeasure
    monkeypatch.setattr(
        RoundingFloors, "remeasure", lambda self, *args: remeasured.append(args) or remeasure(self, *args)
    )
    product = o3.FullyConnectedTensorProduct("4x1o", "4x1o", "4x0e+4x1e+4x2e")
    for samples in (4, 64):
        eq.diagnose(
            Stack(Applied(lambda x: x), Pair(product)), normal(8, 12), "4x1o", product.irreps_out, group="so3",
            samples=samples,
        )  # fmt: skip
    assert 0 < len(remeasured) < 40


@pytest.mark.parametrize("length", [5, 8, 12, 20])
def test_what_overflows_in_float32_alone_has_no_excuse_for_it(length):
    def grows(x):
        return x.square().sum(-1, keepdim=True).exp()

    report = eq.check(grows, normal(6, 3), "cartesian_points", None, group=eq.groups.translation([length, 0, 0]))
    assert [f.symmetry for f in report.findings] == ["translation"]


def test_what_overflows_in_float64_does_not_hold():
    group = eq.groups.translation([2.0**600, 0, 0])
    report = eq.check(lambda x: x.square().sum(-1), normal(6, 3), "cartesian_points", None, group=group)
    assert [f.cause for f in report.findings] == ["not-finite"]


def test_a_break_that_few_orders_show_is_not_put_down_to_a_rounded_constant():
    """The drawn orders leave 1e-7, which a rounded constant cannot: entries are only reordered, in float64."""
    points = normal(24, 3)

    def leaning(x):
        lengths = x.norm(dim=-1)
        return x + torch.where(lengths[0] == lengths.max(), 0.1, 1e-7) * x[:1]

    far = int(points.norm(dim=-1).argmax())
    setting = InputSizes(nodes=24)
    assert far not in {order.order[0] for order in Permutations().draw(8, 0, setting)} | {0}
    (found,) = eq.check(leaning, points, "1x1o", "1x1o", group="permutation").findings
    assert found.cause == "order-dependent"
    assert found.error > 1e-8
