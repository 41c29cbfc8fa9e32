"""Windows of a canvas, renderings, cameras, masks, labels, exchanged arguments, moving parameters and noise."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.groups import Rotations, rotation, translation

SPACE = eq.CartesianPoints(nodes=0, batch=None)
FLAT = eq.CartesianPoints(nodes=0, batch=None, dimensions=2)
WHOLE, ROWS = eq.Invariant(nodes=None, batch=None), eq.Invariant(nodes=0, batch=None)
IMAGE = eq.Grid(irreps="1x0e", axes=(2, 3))
QUARTER = rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]])


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


POINTS = normal(9, 3)


class Ramped(nn.Module):
    """A convolution without padding; a ramp along the columns is added if broken."""

    def __init__(self, ramp=0.0):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.ramp = nn.Conv2d(1, 2, 3).double(), ramp

    def forward(self, picture):
        found = self.conv(picture)
        found = found + self.ramp * torch.arange(found.shape[-1], dtype=found.dtype)
        return found


CANVAS = torch.nn.functional.avg_pool2d(torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)), 9, 1, 4)
WINDOW = eq.Canvas(irreps="1x0e", axes=(2, 3), inner=(20, 20))


def test_a_window_needs_no_empty_border():
    report = eq.diagnose(Ramped(), CANVAS.double(), WINDOW, eq.Grid(irreps="2x0e", axes=(2, 3)), group="translation")
    assert report.ok, report
    assert not report.untested


def test_the_statement_that_breaks_a_window_is_confirmed():
    gives = eq.Grid(irreps="2x0e", axes=(2, 3))
    (finding,) = eq.diagnose(Ramped(0.01), CANVAS.double(), WINDOW, gives, group="translation").findings
    assert finding.cause == "absolute-position"
    assert "self.ramp" in finding.location.source
    assert finding.located == "confirmed"


def largest(picture):
    return picture.amax((2, 3))


@pytest.mark.parametrize(("size", "tested"), [(24, True), (20, False)])
def test_shifts_stay_within_the_surroundings(size, tested):
    blob = torch.zeros(1, 1, size, size, dtype=torch.float64)
    blob[0, 0, size // 2, size // 2] = 1
    report = eq.check(largest, blob, WINDOW, eq.Invariant(nodes=None, batch=0), group="translation")
    assert report.ok
    assert bool(report.untested) != tested


@pytest.mark.parametrize("shape", [(1, 1, 21, 24), (1, 1, 12, 12)])
def test_a_window_lies_in_the_middle_of_a_larger_field(shape):
    with pytest.raises(eq.ContractError, match="a field around a window"):
        eq.check(largest, torch.rand(shape, dtype=torch.float64), WINDOW, None, group="translation")


def render(points):
    """Small blobs at points of a plane, four cells for each unit."""
    cells = torch.arange(24, dtype=points.dtype) - 11.5
    rows, columns = (4 * points[:, axis, None, None] for axis in (0, 1))
    return torch.exp(-((cells[:, None] - rows) ** 2 + (cells[None] - columns) ** 2)).sum(0)[None, None]


class Centre(nn.Module):
    """The centre of mass in units of the scene; `tilt` weights the rows."""

    def __init__(self, tilt=0.0):
        super().__init__()
        self.tilt = tilt

    def forward(self, picture):
        cells = (torch.arange(24, dtype=picture.dtype) - 11.5) / 4
        mass = picture[0, 0] * (1 + self.tilt * cells[:, None])
        mass = mass / mass.sum()
        return torch.stack([(mass * cells[:, None]).sum(), (mass * cells).sum()])


SCENE = eq.Rendered(render=render, scene=FLAT)
CENTRE = eq.CartesianPoints(nodes=None, batch=None, dimensions=2)
EXACT = [QUARTER, translation([0.25, -0.5, 0])]


@pytest.mark.parametrize("tilt", [0.0, 0.05])
def test_a_scene_is_rendered_again_for_every_element(tilt):
    report = eq.diagnose(Centre(tilt), normal(4, 2) / 8, SCENE, CENTRE, group=EXACT)
    assert report.ok == (tilt == 0), report
    assert {v.symmetry for v in report.verdicts} == {"translation", "rotation"}


def test_a_scene_may_have_several_parameters():
    def shaded(scene):
        return render(scene["points"]) * scene["light"]

    scene = eq.Rendered(render=shaded, scene={"points": FLAT, "light": WHOLE})
    given = {"points": normal(4, 2) / 8, "light": torch.tensor(2.0, dtype=torch.float64)}
    assert eq.check(Centre(), (given,), (scene,), CENTRE, group=EXACT).ok
    with pytest.raises(eq.ContractError, match="a dict of tensors with the keys"):
        eq.check(Centre(), ({"points": given["points"]},), (scene,), CENTRE, group=EXACT)


def project(points):
    return -2 * points[:, :2] / points[:, 2:]


FAR = POINTS - torch.tensor([0.0, 0, 12], dtype=torch.float64)


def test_rays_turn_with_the_camera():
    rays, group = eq.ImageRays(2.0, nodes=0, batch=None), Rotations(max_angle=0.3)
    assert eq.check(project, FAR, SPACE, rays, group=group).ok
    assert eq.check(lambda p: -project(p), FAR, SPACE, eq.ImageRays(2.0, "+z", nodes=0, batch=None), group=group).ok
    assert not eq.check(project, FAR, SPACE, eq.ImageRays(1.0, nodes=0, batch=None), group=group).ok
    report = eq.check(project, FAR, SPACE, rays, group=[group, "translation"])
    assert "rays have no depth" in dict(report.untested)["translation"]


class Lens(nn.Module):
    """Image coordinates and depth, through a lens that bends rays if broken."""

    def __init__(self, bend=0.0):
        super().__init__()
        self.bend = bend

    def forward(self, points):
        image = project(points)
        bent = image * (1 + self.bend * image.square().sum(-1, keepdim=True))
        return torch.cat([bent, points[:, 2:]], -1)


def test_points_with_depth_move_as_points_do():
    how = eq.Unprojected(2.0, nodes=0, batch=None)
    assert eq.diagnose(Lens(), FAR, SPACE, how, group=["se3", "scale"]).ok
    report = eq.diagnose(Lens(0.1), FAR, SPACE, how, group="so3")
    (finding,) = report.findings
    assert finding.symmetry == "rotation"
    assert finding.location is not None


class Mean(nn.Module):
    """Differences from the mean of the rows that are there, or of all rows."""

    def __init__(self, aware):
        super().__init__()
        self.aware = aware

    def forward(self, points, seen):
        there = seen.to(points.dtype)[:, None]
        weights = there if self.aware else torch.ones_like(there)
        centre = (points * weights).sum(0) / weights.sum()
        return (points - centre) * there


SEEN = torch.tensor([1, 1, 0, 1, 1, 1, 0, 1, 1]).bool()
MASKED = (eq.Masked(SPACE, by="seen"), ROWS)
SHOWN = eq.Masked(eq.CartesianTensor(nodes=0, batch=None), by="seen")


def test_missing_rows_are_neither_moved_nor_compared():
    report = eq.diagnose(Mean(True), (POINTS * SEEN[:, None], SEEN), MASKED, SHOWN, group=["se3", "permutation"])
    assert report.ok, report
    assert report.complete
    report = eq.diagnose(Mean(False), (POINTS * SEEN[:, None], SEEN), MASKED, SHOWN, group=["se3", "permutation"])
    (finding,) = report.findings
    assert finding.symmetry == "translation"
    assert "centre = " in finding.location.source
    with pytest.raises(eq.ContractError, match="a mask"):
        eq.check(Mean(True), (POINTS, SEEN), (eq.Masked(SPACE, by="unseen"), ROWS), SHOWN, group="se3")


LABELS = eq.Grid(irreps="1x0e", axes=(2, 3), kind="labels")


def test_labels_are_moved_by_cells_only():
    picture = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    report = eq.diagnose(lambda x: (x > 0.5).long(), picture, IMAGE, LABELS, group=["so3", "translation"])
    assert report.ok, report
    assert any("labels are not interpolated" in line for line in report.assumptions)
    broken = eq.diagnose(lambda x: (x > 0.5).long() * torch.arange(8), picture, IMAGE, LABELS, group="so3")
    assert not broken.ok
    with pytest.raises(eq.ArgumentError, match="labels are not interpolated"):
        LABELS.transform(torch.ones(1, 1, 4, 4, dtype=torch.int64), rotation([0, 0, 0.3]))


class Views(nn.Module):
    def __init__(self, weight=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.weight = nn.Linear(3, 4).double(), weight

    def forward(self, first, second):
        one = self.body(first).tanh()
        two = self.body(second).tanh()
        two = two * self.weight
        return (one + two).sum()


def test_exchanged_arguments():
    views, group = (POINTS, normal(9, 3, seed=1)), eq.Swap(("first", "second"))
    assert eq.diagnose(Views(), views, (ROWS, ROWS), WHOLE, group=group).ok
    (finding,) = eq.diagnose(Views(1.1), views, (ROWS, ROWS), WHOLE, group=group).findings
    assert (finding.symmetry, finding.cause, finding.mechanism) == ("swap", "order-dependent", "arguments-differ")
    places = [finding.location, *finding.alternatives]
    assert any("self.weight" in place.source for place in places)
    assert finding.located == "suspect"
    with pytest.raises(eq.ArgumentError, match="two arguments of one shape"):
        eq.check(Views(), (POINTS, POINTS[:4]), (ROWS, ROWS), WHOLE, group=group)
    with pytest.raises(eq.ArgumentError, match="also of third"):
        eq.check(Views(), views, (ROWS, ROWS), WHOLE, group=eq.Swap(("first", "third")))


class Memory(nn.Module):
    """A learned transform for each query; a number of the place is added if broken."""

    def __init__(self, place=0.0):
        super().__init__()
        self.transforms = nn.Parameter(normal(5, 4, 4))
        self.place = place

    def forward(self, queries):
        found = torch.einsum("nij,nj->ni", self.transforms, queries)
        found = found + self.place * torch.arange(5)[:, None]
        return (found @ found.T).softmax(-1) @ found


class Decoder(nn.Module):
    def __init__(self, place=0.0):
        super().__init__()
        torch.manual_seed(0)
        self.memory, self.head = Memory(place), nn.Linear(4, 3).double()

    def forward(self, queries):
        return self.head(self.memory(queries))


MOVING = {"memory": eq.Contract({"queries": ROWS}, ROWS, parameters={"transforms": ROWS})}


def test_parameters_move_with_the_queries():
    network, queries = Decoder(), normal(5, 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert not eq.diagnose(network, queries, ROWS, ROWS, group="permutation").ok
    assert eq.diagnose(network, queries, ROWS, ROWS, group="permutation", contracts=MOVING).ok
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert type(network) is Decoder
    whole = {"": eq.Contract({}, None, parameters={"memory.transforms": ROWS})}
    assert eq.diagnose(network, queries, ROWS, ROWS, group="permutation", contracts=whole).ok


def test_what_breaks_beside_moving_parameters_is_confirmed():
    report = eq.diagnose(Decoder(0.1), normal(5, 4), ROWS, ROWS, group="permutation", contracts=MOVING)
    (finding,) = report.findings
    assert finding.layer == "memory"
    assert "self.place" in finding.location.source
    assert finding.located == "confirmed"


def test_an_unknown_parameter_is_an_error_with_the_names():
    wrong = {"memory": eq.Contract({"queries": ROWS}, ROWS, parameters={"transform": ROWS})}
    with pytest.raises(eq.ChoiceError, match=r"parameters='memory\.transform'.*memory\.transforms"):
        eq.diagnose(Decoder(), normal(5, 4), ROWS, ROWS, group="permutation", contracts=wrong)


class Noisy(nn.Module):
    def __init__(self, bend=0.0):
        super().__init__()
        self.bend = bend

    def forward(self, points):
        moved = points + 0.1 * torch.randn_like(points)
        centre = moved.mean(0)
        return centre + self.bend * centre.relu()


def test_noise_inside_is_no_break_and_is_told():
    centre = eq.CartesianPoints(nodes=None, batch=None)
    report = eq.diagnose(Noisy(), POINTS, SPACE, centre, group="se3")
    assert [f.cause for f in report.findings] == ["nondeterministic"]
    reason = dict(report.untested)["rotation"]
    assert "equality in distribution is not tested" in reason
    assert "pass the noise as an argument" in reason
    broken = eq.diagnose(Noisy(0.3), POINTS, SPACE, centre, group="so3")
    assert {f.symmetry for f in broken.findings} == {"none", "rotation"}


def test_noise_as_an_argument_is_tested():
    def noisy(points, noise):
        return (points + 0.1 * noise).mean(0)

    takes = (SPACE, eq.Irreps("1x1o", nodes=0, batch=None))
    assert eq.check(noisy, (POINTS, normal(9, 3, seed=2)), takes, SPACE.bare, group="se3").ok
