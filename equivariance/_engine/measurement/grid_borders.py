"""Keeps the content of images and voxels inside of the grid while they are shifted and turned.

A shift that moves content out of a grid that is not periodic does not give the same image. An output without cells (a
pooled one) then changes for a sound network, too. Shifts are therefore limited to the empty border of the input. If the
border is not empty, translations cannot be tested; nor if shifts are respected only once the border is made wider: the
windows of the network then reach over it. Rotations by any angle need empty corners. Faint content, as the tail of a
Gaussian, may leave: `grid_floors` measures its effect.

`diagnosis.examine` calls it. Outputs on a grid need no empty border: their cells near the border are not compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.perturbations import Change
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.laws.grid import lattice_of
from equivariance._engine.measurement.grid_floors import ContentFloors
from equivariance._engine.measurement.prepare import BoundCall, Prepared
from equivariance._engine.measurement.relative_error import worst
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import GRID
from equivariance.contracts.nested import leaves, walk
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Elements, InputSizes, Translations
from equivariance.representations.base import Representation
from equivariance.representations.images.canvas import Canvas
from equivariance.representations.lattice import Lattice

_FAINT = 1e-4
"""Share of the largest entry of a field up to which a cell counts as empty."""

_ROUNDING = 1e4
"""Number of machine epsilons below which an error is rounding."""


@dataclass(frozen=True)
class _Content:
    """The cells of one input that are more than faint.

    Attributes:
        path: The path of the input.
        shape: Its shape.
        room: Empty cells before and after the content along each grid axis, in units of the positions.
        round: True if the content lies within the largest ball inside of the grid.
    """

    path: str
    shape: tuple[int, ...]
    room: tuple[tuple[float, float], ...]
    round: bool


@dataclass(frozen=True)
class Bounded:
    """A prepared call with elements that keep the content of its grids inside.

    Attributes:
        ready: The prepared call.
        lines: The lines of the report about elements that are left out.
        untestable: Symmetry -> the reason, for symmetries without any such element.
    """

    ready: Prepared
    lines: tuple[str, ...] = ()
    untestable: Mapping[str, str] = field(default_factory=dict)


def keeping_content(ready: Prepared) -> Bounded:
    """Limits the elements of a prepared call to those that keep the content of its grids inside."""
    call = ready.call
    found = [] if call.sizes.grid is None or not _has_output_without_cells(ready) else list(_contents(call))
    if not found or call.sizes.grid is None:
        return Bounded(ready)
    axes = zip(*(c.room for c in found), strict=False)  # a plane and a volume share x and y
    room = tuple((min(low for low, _ in axis), min(high for _, high in axis)) for axis in axes)
    grid = replace(call.sizes.grid, room=room, round=all(c.round for c in found))
    full = [c.path for c in found if not c.round and grid.resolved]
    lines = [f"grid: content of {path} reaches the corners: only rotations of the lattice are tested" for path in full]
    call = replace(call, sizes=replace(call.sizes, grid=grid))
    named = f"{found[0].path} {list(found[0].shape)}"
    reason = f"content of {named} leaves at the border" if not grid.has_room else _given_shift(call, room, named)
    cells, windows = 2, all(isinstance(how, Canvas) for _, _, how in call.inputs if lattice_of(how) is not None)
    if not reason and not windows and any(g.symmetry == Symmetry.TRANSLATION for g in call.groups):
        width = _needed_border(replace(ready, call=call))
        reason, cells = (f"windows of the network reach over the border of {named}", width) if width else ("", 0)
    if not reason:
        return Bounded(replace(ready, call=call), tuple(lines))
    way_out = f"declare periodic=True, or give an example with an empty border (zeros) of {cells} cells or more"
    call = replace(call, groups=tuple(g for g in call.groups if g.symmetry != Symmetry.TRANSLATION))
    return Bounded(replace(ready, call=call), tuple(lines), {Symmetry.TRANSLATION.value: f"{reason}; {way_out}"})


def _given_shift(call: BoundCall, room: Sequence[tuple[float, float]], named: str) -> str:
    """Returns why a shift that the caller gave cannot be tested, or ""."""
    given = (e for g in call.groups if isinstance(g, Elements) for e in g.elements)
    for element in given:
        if any(not -low <= by <= high for by, (low, high) in zip(element.vector, room, strict=False)):
            return f"{element} moves content of {named} out of the frame"
    return ""


def _needed_border(ready: Prepared) -> int:
    """Returns the width of the empty border without which shifts are not respected; 0 if it is no matter of width."""
    runner, sizes = ready.runner, ready.call.sizes
    elements = Translations(lattice=True).draw(2, ready.call.settings.seed, sizes)
    if not _breaks(runner, sizes, elements):
        return 0
    specs = runner.contracts[""].inputs
    lengths = [n for c in _contents(ready.call) for n in c.shape[-len(c.room) :]]
    for width in sorted({max(1, min(lengths) * part // 16) for part in range(1, 7)}):
        change = emptied(width)
        arguments = {k: walk(v, specs.get(k), k, change) for k, v in runner.arguments.items()}
        if not _breaks(replace(runner, arguments=arguments, recorded={}), sizes, elements):
            return width
    return 0


def _breaks(runner: Runner, sizes: InputSizes, elements: Sequence[Transform]) -> bool:
    """True if an output changes by more than rounding under one of the elements."""
    runs, limit = TransformedRuns(runner, sizes), _ROUNDING * runner.capabilities.epsilon
    floors = ContentFloors(runs)
    for trial in (Trial(element, state) for state in runner.states if state.mode == "eval" for element in elements):
        key, error = worst(runs.plain_run(trial, layers=()).errors[Site(ROOT)])
        if error.relative > limit and error.relative > GRID * floors.floor(trial, None, Site(ROOT), key):
            return True
    return False


def _has_output_without_cells(ready: Prepared) -> bool:
    found = leaves(ready.runner.output, ready.runner.contracts[""].output)
    return any(lattice_of(how) is None for _, tensor, how in found if tensor.is_floating_point())


def _contents(call: BoundCall) -> Iterator[_Content]:
    for path, tensor, how in call.inputs:
        lattice = lattice_of(how)
        if isinstance(how, Canvas):
            yield _surrounded(path, tensor, how)
        elif lattice is not None and not lattice.periodic:
            yield _content(path, tensor, lattice)


def _surrounded(path: str, tensor: torch.Tensor, how: Canvas) -> _Content:
    """Returns the room of a window: what lies around it comes in."""
    margins, lengths = how.margins(), [tensor.shape[axis] * how.spacing for axis in how.axes]
    needed = math.hypot(*lengths) - min(lengths)
    return _Content(path, tuple(tensor.shape), tuple((m, m) for m in margins), 2 * min(margins) >= needed)


def _content(path: str, tensor: torch.Tensor, lattice: Lattice) -> _Content:
    places = lattice.places(tensor)
    others = [axis for axis in range(tensor.dim()) if axis not in places]
    filled = (tensor.abs() > _FAINT * tensor.abs().max()).permute(*places, *others).flatten(len(places)).any(-1)
    lengths = torch.tensor(filled.shape)
    cells = filled.nonzero()
    if not len(cells):
        return _Content(path, tuple(tensor.shape), tuple((0.0, 0.0) for _ in places), True)
    low, high = cells.amin(0), lengths - 1 - cells.amax(0)
    room = tuple((float(a) * lattice.spacing, float(b) * lattice.spacing) for a, b in zip(low, high, strict=True))
    farthest = float((cells - (lengths - 1) / 2).norm(dim=-1).max())
    return _Content(path, tuple(tensor.shape), room, farthest <= (float(lengths.min()) - 1) / 2 + math.ulp(farthest))


def emptied(width: int) -> Change:
    """Sets the outer `width` cells of fields to zero."""

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        lattice = lattice_of(how)
        if lattice is None:
            return tensor
        made = torch.zeros_like(tensor)
        inner = tuple(
            slice(width, max(width, length - width)) if axis in lattice.places(tensor) else slice(None)
            for axis, length in enumerate(tensor.shape)
        )
        made[inner] = tensor[inner]
        return made

    return change
