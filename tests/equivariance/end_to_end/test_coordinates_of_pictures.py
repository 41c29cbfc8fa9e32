"""Maps from a picture to coordinates: a sound one is not blamed for content that leaves, a broken one is found."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.groups import Translations, translation

IMAGE = eq.Grid(irreps="1x0e", axes=(2, 3))


class Centroid(nn.Module):
    """The centre of mass in cells from the middle; `bent` bends it, `place` weights the cells by their place."""

    def __init__(self, bent=0.0, place=0.0):
        super().__init__()
        self.bent, self.place = bent, place

    def forward(self, image):
        rows, columns = (torch.arange(n, dtype=image.dtype) - (n - 1) / 2 for n in image.shape[2:])
        mass = image[:, 0] * (1 + self.place * rows[:, None])
        mass = mass / mass.sum((1, 2), keepdim=True)
        found = torch.stack([(mass * rows[:, None]).sum((1, 2)), (mass * columns).sum((1, 2))], -1)
        return found * (1 + self.bent * found)


class Circle(nn.Module):
    """The mean on the circle of each axis, in cells from the middle: right up to a period."""

    def forward(self, image):
        found = []
        for axis, length in ((2, image.shape[2]), (3, image.shape[3])):
            mass = image[:, 0].sum(4 - axis)
            angle = (torch.arange(length, dtype=image.dtype) - (length - 1) / 2) * 2 * torch.pi / length
            sine, cosine = ((mass * wave).sum(1) for wave in (angle.sin(), angle.cos()))
            found.append(torch.atan2(sine, cosine) * length / (2 * torch.pi))
        return torch.stack(found, -1)


def blob(width, at, size=32):
    rows, columns = torch.meshgrid(*[torch.arange(size, dtype=torch.float64)] * 2, indexing="ij")
    return torch.exp(-((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / width)[None, None]


def report_on(network, image, group, how=IMAGE, points=None):
    return eq.diagnose(network, image, how, points or eq.GridPoints(), group=group)


@pytest.mark.parametrize("width", [20.0, 8.0, 3.0, 1.0])
@pytest.mark.parametrize("at", [(14, 18), (15, 16)])
def test_a_sound_map_is_not_blamed_for_faint_content_that_leaves(width, at):
    image = blob(width, at)
    for group in (Translations(max_norm=4, lattice=True), "translation", "so3"):
        report = report_on(Centroid(), image, group)
        assert report.ok, report
        assert not report.untested


def test_what_leaves_is_an_excuse_and_of_its_size():
    (verdict,) = report_on(Centroid(), blob(8.0, (14, 18)), translation([4, 0, 0])).verdicts
    assert verdict.excuse == "grid"
    assert 0 < verdict.error < 1e-6


@pytest.mark.parametrize(("network", "source"), [(Centroid(bent=1e-3), "self.bent"), (Centroid(place=1e-2), "mass")])
def test_a_broken_map_is_found_beside_faint_content(network, source):
    report = report_on(network, blob(8.0, (14, 18)), Translations(max_norm=4, lattice=True))
    (finding,) = report.findings
    assert finding.cause == "absolute-position"
    assert source in finding.location.source
    assert finding.error > 1e-4


@pytest.mark.parametrize("shift", [[12, 0, 0], [0, -20, 0]])
def test_a_given_shift_that_moves_content_out_is_not_tested(shift):
    report = report_on(Centroid(), blob(8.0, (14, 18)), translation(shift))
    assert report.ok
    ((symmetry, reason),) = report.untested
    assert symmetry == "translation"
    assert "moves content of image [1, 1, 32, 32] out of the frame" in reason


def test_points_on_a_torus_are_compared_up_to_a_period():
    image, torus = blob(8.0, (3, 28)), eq.Grid(irreps="1x0e", axes=(2, 3), periodic=True)
    right = report_on(Circle(), image, "translation", torus, eq.GridPoints(periodic=32.0))
    assert right.ok, right
    assert not right.untested
    wrong = report_on(Circle(), image, "translation", torus, eq.GridPoints(periodic=31.0))
    assert not wrong.ok
