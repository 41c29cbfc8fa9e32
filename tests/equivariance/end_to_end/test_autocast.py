"""Autocast, around the network and inside: its rounding is no break, and hides none."""

import pytest
import torch
from torch import nn

from tests.equivariance.helpers.clouds import Network, diagnosed, messages, told
from tests.equivariance.helpers.specimens import normal

AUTOCAST = {"device_type": "cpu", "dtype": torch.bfloat16}
AT_FAULT = ("", "confirmed", "h = torch.relu(h)")


class Around(Network):
    """Linear layers, which autocast runs in bfloat16."""

    def build(self):
        self.first, self.second = nn.Linear(1, 4, bias=False), nn.Linear(4, 4, bias=False)

    def forward(self, x):
        h = self.second(self.first(messages(x).unsqueeze(-1)))
        if self.broken:
            h = torch.relu(h)
        return self.second(h * torch.sigmoid(h.norm(dim=-2, keepdim=True))).mean(-1)


class Inside(Around):
    def forward(self, x):
        with torch.autocast(**AUTOCAST):
            return super().forward(x)


class Casting(Inside):
    """Float64 cannot pass: a cast, and then autocast, which leaves float64 weights alone."""

    def forward(self, x):
        return super().forward(x.float())


class Halved(Network):
    """No autocast: a cast to bfloat16 and back."""

    def forward(self, x):
        h = self.vectors(x).to(torch.bfloat16)
        if self.broken:
            h = torch.relu(h)
        return (h * h).sum(-1, keepdim=True).to(x.dtype).sum(1) * self.vectors(x).sum(1)


@pytest.mark.parametrize("kind", [Inside, Casting, Halved])
def test_sound_networks_with_autocast_inside(kind):
    report = diagnosed(kind(), group="e3")
    assert report.ok, report
    assert not report.notes
    assert report.settings["main precision"] == "float64"
    assert report.settings["computed in"] == "bfloat16 in parts (autocast, or a cast)"
    (whole,) = [row for row in report.layers if row.layer == "" and row.symmetry == "rotation"]
    assert 1e-4 < whole.reached_working <= whole.reached_floor * 1.5  # what bfloat16 does


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Inside, Casting, Halved])
def test_broken_networks_with_autocast_inside(kind):
    assert told(diagnosed(kind(broken=True), group="so3")) == {AT_FAULT}


@pytest.mark.slow
def test_autocast_around_the_diagnosis():
    with torch.autocast(**AUTOCAST):
        sound, broken = diagnosed(Around(), group="e3"), diagnosed(Around(broken=True))
    assert sound.ok, sound
    assert not sound.notes
    assert told(broken) == {AT_FAULT}


@pytest.mark.slow
def test_small_breaks_show_below_the_rounding_of_autocast():
    class Slightly(Inside):
        def forward(self, x):
            return super().forward(x) + 1e-4 * x.new_tensor([0, 0, 1])

    assert told(diagnosed(Slightly())) == {
        ("", "confirmed", "return super().forward(x) + 1e-4 * x.new_tensor([0, 0, 1])")
    }


@pytest.mark.slow
def test_casts_that_are_left_out_are_told():
    assert diagnosed(Casting()).settings["float64"].startswith("with casts to less left out (")
    assert diagnosed(Halved()).settings["float64"] == "with casts to less left out (it computes in torch.bfloat16)"
    assert "float64" not in diagnosed(Inside()).settings


def test_networks_that_insist_on_a_precision_are_judged_in_it():
    class Insists(Network):
        def forward(self, x):
            if x.dtype != torch.float32:
                raise TypeError("float32, please")
            with torch.autocast(**AUTOCAST):
                h = nn.functional.linear(messages(x).unsqueeze(-1), self.up[:, None])
            return h.sum(-1)

    report = diagnosed(Insists(), group="e3")
    assert report.ok, report
    assert report.settings["main precision"] == "float32"
    assert report.settings["float64"].startswith("impossible (TypeError: float32, please)")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_autocast_over_networks_in_other_precisions(dtype):
    for broken, expected in ((False, set()), (True, {AT_FAULT})):
        report = diagnosed(Inside(broken).to(dtype), args=normal(10, 3, dtype=dtype))
        assert told(report) == expected, report
