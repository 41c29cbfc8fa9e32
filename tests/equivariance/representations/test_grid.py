"""Fields on grids: exact motions, interpolated ones, what is compared, what does not fit."""

import itertools

import numpy as np
import pytest
import torch
from scipy import ndimage

import equivariance as eq
from equivariance import Grid
from equivariance._engine.measurement.verdict import GRID, Measurement, Verdict
from equivariance.errors import ForeignElementError
from equivariance.groups.elements import Transform, cube_rotations, inversion, rotation, translation
from equivariance.groups.lattice import GridSizes, mirror
from equivariance.groups.named import of_lattice
from equivariance.representations.interpolation import interpolate
from equivariance.representations.lattice import coarsest

pytestmark = pytest.mark.numeric

MIXED = Grid(irreps="2x0e+1x1o+1x2e")
PLANAR = Grid(irreps="2x0e+1x0o+1x1+1x2", axes=(2, 3))
SQUARE = [r for r in cube_rotations() if r.matrix[2][2] == 1]
CUBE_GRID = GridSizes(3, 12.0, 2.0)


def positions(size, dimensions=3):
    axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    return torch.stack(torch.meshgrid(*[axis] * dimensions, indexing="ij"), dim=-1)


def blobs(centres, size=20, width=2.0):
    distances = (positions(size) - torch.as_tensor(centres)[:, None, None, None]).square().sum(-1)
    return torch.exp(-0.5 * distances / width**2).sum(0)[None, None]


class TestExactMotions:
    def test_rotations_of_the_cube_compose(self):
        field = torch.randn(2, 10, 4, 4, 4, dtype=torch.float64)
        for first, second in itertools.product(cube_rotations()[3::7], cube_rotations()[2::5]):
            one_by_one = MIXED.transform(MIXED.transform(field, first), second)
            assert torch.allclose(one_by_one, MIXED.transform(field, second @ first), atol=1e-12)

    def test_those_of_the_square_and_its_mirrors_compose(self):
        field = torch.randn(1, 7, 5, 5, dtype=torch.float64)
        elements = [*SQUARE, *(r @ mirror() for r in SQUARE)]
        for first, second in itertools.product(elements, elements):
            one_by_one = PLANAR.transform(PLANAR.transform(field, first), second)
            assert torch.allclose(one_by_one, PLANAR.transform(field, second @ first), atol=1e-12)

    @pytest.mark.parametrize("element", [cube_rotations()[7], cube_rotations()[20], inversion()])
    def test_the_field_of_positions_stays_what_it_is(self, element):
        field = positions(5).movedim(-1, 0)[None]
        assert torch.allclose(Grid(irreps="1o").transform(field, element), field, atol=1e-12)

    @pytest.mark.parametrize("element", [SQUARE[1], mirror(), mirror() @ SQUARE[2]])
    def test_so_does_that_of_the_plane(self, element):
        field = positions(5, 2).movedim(-1, 0)[None]
        assert torch.allclose(Grid(irreps="1", axes=(2, 3)).transform(field, element), field, atol=1e-12)

    def test_grids_need_not_be_cubes(self):
        field = torch.randn(1, 1, 3, 4, 5)
        turned = Grid(irreps="0e").transform(field, rotation([0, 0, np.pi / 2]))
        assert turned.shape == (1, 1, 4, 3, 5)
        assert turned.equal(field.transpose(2, 3).flip(2))

    def test_shifts_go_around_or_bring_zeros(self):
        field, shift = torch.randn(1, 1, 4, 4, 4), translation([2, 0, -4])
        around = Grid(irreps="0e", periodic=True, spacing=2.0).transform(field, shift)
        assert around.equal(field.roll((1, -2), (2, 4)))
        open_ended = Grid(irreps="0e", spacing=2.0).transform(field, shift)
        assert open_ended[:, :, 1:, :, :2].equal(field[:, :, :-1, :, 2:])
        assert open_ended[:, :, :1].abs().sum() + open_ended[..., 2:].abs().sum() == 0

    def test_a_channel_axis_may_be_missing_or_last(self):
        field, turn = torch.randn(4, 4, 4), cube_rotations()[9]
        bare = Grid(irreps="0e", channels=None, batch=None).transform(field, turn)
        last = Grid(irreps="0e", channels=3, axes=(0, 1, 2), batch=None).transform(field[..., None], turn)
        assert last[..., 0].equal(bare)


class TestBetweenTheCells:
    @pytest.mark.parametrize("degree", [1, 5])
    def test_splines_are_scipys(self, degree):
        random = np.random.default_rng(0)
        fields, places = random.normal(size=(2, 9, 8, 7)), random.uniform(0, 6, size=(5, 4, 3))
        for periodic, mode in ((True, "grid-wrap"), (False, "nearest")):
            found = interpolate(fields, places, degree, periodic)
            wanted = [ndimage.map_coordinates(f, places.reshape(-1, 3).T, order=degree, mode=mode) for f in fields]
            assert np.abs(found - np.stack(wanted).reshape(found.shape)).max() < 1e-8

    def test_a_smooth_field_is_where_it_should_be(self):
        centres = np.random.default_rng(1).normal(size=(4, 3)) * 1.5
        element = translation([0.3, -0.2, 0.7]) @ rotation([0.5, -0.3, 0.8])
        found = Grid(irreps="0e").transform(blobs(centres), element)
        wanted = blobs(centres @ element.array.T + np.array(element.vector))
        assert (found - wanted).norm() < 4e-4 * wanted.norm()

    def test_vectors_turn_with_the_field(self):
        field = (positions(24) * blobs(np.zeros((1, 3)), 24)[0, 0, ..., None]).movedim(-1, 0)[None]
        found = Grid(irreps="1o").transform(field, rotation([0.4, 0.9, -0.2]))
        assert (found - field).norm() < 1e-3 * field.norm()

    def test_what_the_grid_leaves_open_falls_with_smoothness_and_bounds_the_error(self):
        centres, element = np.random.default_rng(1).normal(size=(4, 3)), rotation([0.5, -0.3, 0.8])
        shares = []
        for width in (1.0, 1.5, 2.0):
            field = blobs(centres, width=width)
            moved = MIXED_SCALAR.transform(field, element)
            shares.append(float(MIXED_SCALAR.unresolved(field, element).norm() / moved.norm()))
            wanted = blobs(centres @ element.array.T, width=width)
            assert (moved - wanted).norm() < shares[-1] * wanted.norm()
        assert shares == sorted(shares, reverse=True)
        assert MIXED_SCALAR.unresolved(blobs(centres), cube_rotations()[3]) is None

    def test_only_cells_that_come_from_within_are_compared(self):
        field, how = torch.ones(1, 1, 8, 8, 8), Grid(irreps="0e", margin=1)
        assert how.compared(field, cube_rotations()[3]).equal(field)
        shifted = how.compared(field, translation([2, 0, 0]))
        assert shifted.sum() == 4 * 6 * 6
        assert shifted[0, 0, 3:7, 1:7, 1:7].min() == 1
        assert Grid(irreps="0e", periodic=True).compared(field, translation([2, 0, 0])).equal(field)
        turned = how.compared(field, rotation([0, 0, np.pi / 4]))
        assert 0 < turned.sum() < 6**3


MIXED_SCALAR = Grid(irreps="0e")


class TestElements:
    @pytest.mark.parametrize("name", ["lattice", "se3"])
    def test_the_first_is_of_the_lattice_and_every_third_is_not(self, name):
        for group in of_lattice(eq.groups.groups_of(name), False):
            drawn = group.draw(6, 0, eq.groups.InputSizes(grid=CUBE_GRID))
            exact = [Grid(irreps="0e", spacing=2.0).lattice.is_exact(e) for e in drawn]
            assert exact == [True, name == "lattice", True, True, name == "lattice", True]
            assert drawn == group.draw(6, 0, eq.groups.InputSizes(grid=CUBE_GRID))

    @pytest.mark.parametrize("name", ["lattice", "e3"])
    def test_those_of_images_stay_in_the_plane(self, name):
        setting = eq.groups.InputSizes(grid=GridSizes(2, 12.0, 1.0))
        for group in of_lattice(eq.groups.groups_of(name), False):
            for element in (*group.draw(6, 0, setting), *group.simplest(setting)):
                PLANAR.transform(torch.randn(1, 7, 4, 4), element)

    def test_without_a_grid_the_lattice_is_that_of_the_cube(self):
        rotations = eq.groups.groups_of("lattice")[1].draw(5, 0, eq.groups.InputSizes())
        assert set(rotations) <= set(cube_rotations())

    def test_where_the_example_is_rough_only_the_lattice_is_drawn(self):
        rough = GridSizes(3, 12.0, 1.0, resolved=False)
        for group in eq.groups.groups_of("se3"):
            drawn = [
                *group.draw(6, 0, eq.groups.InputSizes(grid=rough)),
                *group.simplest(eq.groups.InputSizes(grid=rough)),
            ]
            assert all(MIXED_SCALAR.lattice.is_exact(e) for e in drawn)

    def test_shifts_are_whole_on_all_grids(self):
        assert coarsest([1.0, 2.0, 3.0]) == 6.0
        assert coarsest([1.0, 0.5]) == 1.0


class TestVerdict:
    def test_up_to_three_times_what_the_grid_leaves_open_is_its_own(self):
        reading = Measurement(0.05, 0.0, 2e-16, 0, 0, 1e-7, grid=0.02)
        assert reading.verdict == Verdict.GRID
        assert str(reading.verdict) == "grid"
        assert Measurement(GRID * 0.02 + 0.001, 0.0, 2e-16, 0, 0, 1e-7, grid=0.02).verdict == Verdict.BROKEN
        assert Measurement(0.05, 0.0, 2e-16, 0, 0, 1e-7).verdict == Verdict.BROKEN


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Grid(irreps="1x0e", axes=(1,)), r"axes=\(1,\): expected two or three axes"),
        (lambda: Grid(irreps="1x0e", spacing=0.0), "spacing=0.0: expected a positive length"),
        (lambda: Grid(irreps="1x0e", margin=-1), "margin=-1"),
        (lambda: Grid(irreps="1x1o", axes=(2, 3)), r"irreps='1x1o': expected irreps of O\(2\)"),
        (lambda: Grid(irreps="nothing"), "irreps in e3nn's notation"),
        (lambda: MIXED.check(torch.zeros(2, 9, 4, 4, 4), "x"), "x=.*expected 10 channels on axis 1"),
        (lambda: MIXED.check(torch.zeros(4, 4), "x"), "x=.*expected grid axes"),
        (lambda: MIXED.check(torch.zeros(4, 10, 4, 4), "x"), "x=.*expected channels beside the grid axes"),
    ],
)
def test_what_does_not_fit_is_told(make, words):
    with pytest.raises(eq.ArgumentError, match=words):
        make()


def test_an_image_has_no_tilt():
    tilt = Transform(rotation([1.0, 0, 0]).matrix)
    with pytest.raises(ForeignElementError, match="plane x, y"):
        PLANAR.transform(torch.zeros(1, 7, 4, 4), tilt)
