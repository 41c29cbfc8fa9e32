"""Images and voxels whose content leaves at the border are not tested, and sound networks of them are not blamed."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import equivariance as eq
from equivariance.groups import InputSizes, Rotations, Translations
from equivariance.groups.lattice import GridSizes
from tests.equivariance.helpers.specimens import normal

IMAGE = eq.Grid(irreps="1x0e", axes=(2, 3))
VOXELS = eq.Grid(irreps="1x0e")


class Pooled(nn.Module):
    """A convolution, global mean, a linear head."""

    def __init__(self, dimensions=2, depth=1, padding_mode="zeros"):
        super().__init__()
        conv = (nn.Conv2d, nn.Conv3d)[dimensions - 2]
        torch.manual_seed(0)
        layers = [conv(1 if i == 0 else 4, 4, 3, padding=1, padding_mode=padding_mode) for i in range(depth)]
        self.layers, self.head = nn.ModuleList(layers), nn.Linear(4, 3)

    def forward(self, img):
        for layer in self.layers:
            img = torch.relu(layer(img))
        return self.head(img.flatten(2).mean(-1))


class Placed(Pooled):
    """Reads the place of a cell as a channel."""

    def forward(self, img):
        ramp = torch.linspace(0, 1, img.shape[-1], dtype=img.dtype)
        return super().forward(img * (1 + ramp))


class Turned(nn.Module):
    """Four kernels, each a quarter turn of the one before, and the largest answer."""

    def __init__(self, reflected=False):
        super().__init__()
        self.kernel = nn.Parameter(normal(6, 1, 3, 3, seed=1) / 3)
        self.reflected = reflected

    def forward(self, img):
        kernels = [torch.rot90(self.kernel, k, (2, 3)) for k in range(4)]
        if self.reflected:
            kernels[3] = kernels[1].flip(2)
        return torch.stack([F.conv2d(img, k, padding=1) for k in kernels], 2).amax(2).mean((2, 3))


def full(*shape):
    return normal(2, 1, *shape, seed=2)


def bordered(width, *shape):
    return F.pad(full(*(n - 2 * width for n in shape)), [width] * (2 * len(shape)))


def verdicts(report):
    return {v.symmetry: v.verdict for v in report.verdicts}


@pytest.mark.parametrize(
    ("dimensions", "how", "shape"), [(2, IMAGE, (12, 12)), (3, VOXELS, (8, 8, 8)), (2, IMAGE, (10, 14))]
)
def test_shifts_that_move_content_out_are_not_tested(dimensions, how, shape):
    report = eq.diagnose(Pooled(dimensions), full(*shape), how, None, group="translation")
    assert report.ok, report
    ((symmetry, reason),) = report.untested
    assert symmetry == "translation"
    assert f"content of img [2, 1, {', '.join(map(str, shape))}] leaves at the border" in reason
    assert "periodic=True" in reason
    assert "empty border" in reason


@pytest.mark.parametrize(("dimensions", "how", "shape"), [(2, IMAGE, (16, 16)), (3, VOXELS, (12, 12, 12))])
def test_shifts_inside_of_an_empty_border_are_tested(dimensions, how, shape):
    sound = eq.diagnose(Pooled(dimensions), bordered(4, *shape), how, None, group="translation", samples=6)
    assert (sound.ok, verdicts(sound)) == (True, {"translation": "holds"}), sound
    broken = eq.diagnose(Placed(dimensions), bordered(4, *shape), how, None, group="translation", samples=6)
    assert [f.cause for f in broken.findings] == ["absolute-position"]
    assert "the place of a cell is used" in broken.findings[0].evidence


def test_a_window_that_reaches_over_the_border_is_told_as_the_border():
    """Three layers read three cells beyond the content, whose border is one cell wide."""
    report = eq.diagnose(Pooled(depth=3), bordered(1, 16, 16), IMAGE, None, group="translation", samples=6)
    assert report.ok, report
    ((_, reason),) = report.untested
    assert "windows of the network reach over the border of img [2, 1, 16, 16]" in reason
    assert "an empty border (zeros) of 5 cells or more" in reason or "of 4 cells or more" in reason


def test_a_place_that_is_read_is_found_behind_a_narrow_border():
    report = eq.diagnose(Placed(depth=3), bordered(1, 16, 16), IMAGE, None, group="translation", samples=6)
    assert verdicts(report) == {"translation": "broken"}
    assert "the place of a cell is used" in report.findings[0].evidence


def test_a_periodic_grid_needs_no_border():
    how = eq.Grid(irreps="1x0e", axes=(2, 3), periodic=True)
    report = eq.diagnose(Pooled(padding_mode="circular"), full(12, 12), how, None, group="translation")
    assert verdicts(report) == {"translation": "holds"}


def test_an_output_with_cells_needs_no_border():
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 3, 3, padding=1)
    report = eq.diagnose(conv, full(12, 12), IMAGE, eq.Grid(irreps="3x0e", axes=(2, 3)), group="translation")
    assert verdicts(report) == {"translation": "holds"}


@pytest.mark.parametrize("image", [full(12, 12), bordered(4, 16, 16)], ids=["full", "bordered"])
def test_a_sound_network_of_quarter_turns_is_not_blamed(image):
    report = eq.diagnose(Turned(), image, IMAGE, None, group="lattice", samples=6)
    assert report.ok, report
    assert verdicts(report)["rotation"] == "holds"


def test_a_reflected_kernel_is_found():
    report = eq.diagnose(Turned(reflected=True), full(12, 12), IMAGE, None, group="lattice", samples=6)
    assert verdicts(report) == {"translation": "not tested", "rotation": "broken"}


@pytest.mark.parametrize("dimensions", [2, 3])
def test_shifts_keep_the_content_inside(dimensions):
    room = ((0.0, 4.0), (3.0, 0.0), (1.0, 1.0))[:dimensions]
    setting = InputSizes(grid=GridSizes(dimensions, 16.0, 1.0, room=room))
    group = Translations()
    for element in (*group.draw(30, 0, setting), *group.simplest(setting)):
        assert element.distance > 0
        for (low, high), shift in zip(room, element.vector, strict=False):
            assert -low <= shift <= high
    assert not GridSizes(2, 16.0, 1.0, room=((0.0, 0.0), (0.0, 0.0))).has_room
    assert GridSizes(2, 16.0, 2.0, room=((1.0, 0.0), (0.0, 2.0))).has_room


def test_content_in_the_corners_is_turned_by_quarters_only():
    square = InputSizes(grid=GridSizes(2, 12.0, 1.0, round=False))
    disc = InputSizes(grid=GridSizes(2, 12.0, 1.0))
    quarters = {r.matrix for r in Rotations(lattice=True).draw(30, 0, disc)}
    assert {r.matrix for r in (*Rotations().draw(30, 0, square), *Rotations().simplest(square))} <= quarters
    assert not {r.matrix for r in Rotations().draw(30, 0, disc)} <= quarters


def test_a_smooth_image_that_fills_its_corners_is_not_turned_by_any_angle():
    x, y = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 24), indexing="ij")
    smooth = torch.stack([1 + x * y, 1 + x]).unsqueeze(1)

    def energy(img):
        return img.square().mean((2, 3))

    report = eq.check(energy, smooth, IMAGE, None, group="so3", samples=6)
    assert report.ok, report
    assert any("reaches the corners" in line for line in report.assumptions)
