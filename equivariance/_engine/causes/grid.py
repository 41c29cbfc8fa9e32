"""Explains why a layer on a grid violates a symmetry: windows off the middle, components, a direction, or the cells.

`explain` calls it for translations, rotations and inversions of images and voxels. docs/grids.md lists the other files
about grids.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch

from equivariance._engine.causes.components.component_axis import part_of
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.grid_inputs import cropped, nudged, replaced, smoothed
from equivariance._engine.laws.grid import lattice_of
from equivariance._engine.measurement.grid_borders import emptied
from equivariance.groups.elements import Transform, inversion, translation
from equivariance.groups.lattice import GridSizes, lattice_rotations
from equivariance.representations.grid import Grid

_SHARE = 0.99
"""Share of the squared error that lies near the borders if the rest of the grid is right."""

_FALLS = 0.6
"""Share of an error: if smoothing reduces the error below it, the cells are the cause."""

_SMOOTH = 1.5
"""Width of the filter that smooths an example, in cells."""


def explain_on_grid(
    experiment: Experiment, grid: GridSizes, symmetry: str, element: Transform, part: str
) -> Explanation:
    """Returns the explanation under `element`, or under an exact element of the lattice that shows the violation."""
    turns, shifts = lattice_rotations(grid), _unit_shifts(grid)
    exact = {"rotation": turns, "inversion": [inversion()], "translation": shifts}[symmetry]
    broken = [e for e in exact if not experiment.respects(e)]
    if not broken:
        return _explain_between_cells(experiment, element, part, symmetry)
    element = element if not experiment.respects(element) and element in broken else broken[0]
    if symmetry == "translation":
        return _explain_shift(experiment, grid, element, part)
    if symmetry == "inversion" and all(experiment.respects(r) for r in turns):
        return _explain_parity(experiment, element, part)
    looks = (_explain_fixed_components, _explain_constant, _explain_pointwise, _explain_off_centre, _explain_uneven)
    found = (look(experiment, element, part) for look in looks)
    return next((f for f in found if f is not None), None) or _explain_direction(experiment, grid, element, part)


def _unit_shifts(grid: GridSizes) -> list[Transform]:
    return [translation([grid.step * (i == axis) for i in range(3)]) for axis in range(grid.dimensions)]


def _explain_between_cells(experiment: Experiment, element: Transform, part: str, symmetry: str) -> Explanation:
    """Returns the explanation if elements of the lattice are respected and others are not."""
    respected = "shifts by whole cells are" if symmetry == "translation" else "all elements of the lattice are"
    other = experiment.with_inputs(smoothed(_SMOOTH))
    error = experiment.outcome(element).error
    after = None if other is None else other.outcome(element).error
    if after is not None and after < _FALLS * error:
        return explained(
            "fine-detail",
            f"{respected} respected, others are not, and the error falls from {error:.2g} to {after:.2g} when the "
            f"input is smoothed by {_SMOOTH:g} cells: what {part} reads is finer than its cells",
        )
    stays = "" if after is None else f" and the error does not fall when the input is smoothed ({after:.2g})"
    if _is_pointwise(experiment):
        return Explanation(
            "component-mixing",
            f"{respected} respected, others are not{stays}: {part} treats the components at each cell one by one (odd "
            "functions, absolute values, maxima)",
        )
    return explained(
        "grid-direction",
        f"{respected} respected, others are not{stays}: the axes of the grid are built in, as by a cube in place of a "
        "ball",
    )


def _explain_shift(experiment: Experiment, grid: GridSizes, element: Transform, part: str) -> Explanation:
    """Returns the explanation for shifts by whole cells: a border, an undeclared stride, or a position."""
    share = _share_near_borders(experiment, element)
    if share is not None and share > _SHARE:
        return explained(
            "grid-border",
            f"{share:.1%} of the squared error of {part} under {element} lies near the borders: the padding tells the "
            "position",
            "Pad circularly, or declare the field with periodic=False: cells near a border are then not compared.",
        )
    for factor in (2, 4, 8):
        if all(experiment.respects(translation([factor * v for v in e.vector])) for e in _unit_shifts(grid)):
            return explained(
                "stride",
                f"{part} respects shifts by {factor * grid.step:g} cells and not by {grid.step:g}: a stride of "
                f"{factor} is inside",
                f"Declare the coarser field with spacing={factor * grid.step:g}, or filter before the stride.",
            )
    width = None if share is not None else _empty_border(experiment, element)
    error = experiment.outcome(element).error
    if width is not None:
        return explained(
            "grid-border",
            f"shifts by whole cells change {part} (error {error:.2g} under {element}), and are respected if the outer "
            f"{width} cells of the input are empty: what is read near the border leaves the grid, or meets the padding",
            "Give an example with a wider empty border, pad circularly and declare periodic=True, or pad more.",
        )
    where = "also if the outer cells of the input are empty" if share is None else "also far from the borders"
    return explained(
        "cell-place",
        f"shifts by whole cells change {part} (error {error:.2g} under {element}), {where}: the place of a cell is "
        "used",
    )


def _empty_border(experiment: Experiment, element: Transform) -> int | None:
    """Returns the least tried width of an empty border with which `element` is respected; None if there is none."""
    lattices = [(t, lattice_of(how)) for _, t, how in experiment.inputs()]
    lengths = [t.shape[a] for t, lattice in lattices if lattice is not None for a in lattice.places(t)]
    for width in sorted({max(1, min(lengths, default=0) * part // 16) for part in (1, 2, 3, 4, 5, 6)}):
        other = experiment.with_inputs(emptied(width))
        if other is not None and other.outcome(element).error <= max(10 * experiment.tolerance, 1e-9):
            return width
    return None


def _explain_parity(experiment: Experiment, element: Transform, part: str) -> Explanation:
    error = experiment.outcome(element).error
    if abs(error - 2) < 0.01:
        text = f"the sign of {part} is opposite under {element}, and rotations are respected"
        return explained("parity", text, "Declare the other parity.")
    text = (
        f"even and odd parts of {part} are mixed: the error under {element} is {error:.2g}, and rotations are respected"
    )
    return explained("mixed-parity", text, "Keep irreps of both parities apart, and use kernels of fitting parity.")


def _explain_fixed_components(experiment: Experiment, element: Transform, part: str) -> Explanation | None:
    """Returns the explanation if cells are moved and components are not turned."""
    how, plain, made = experiment.how, experiment.plain, experiment.outcome(element).made
    if not isinstance(how, Grid) or plain is None or made is None:
        return None
    moved = how.lattice.moved(plain.double(), element)
    allowed = max(experiment.tolerance, 1e-9) * float(moved.norm())
    if moved.shape != made.shape or float((moved - made).norm()) > allowed:
        return None
    return explained(
        "unturned-field", f"the cells of {part} move as they should under {element}, its components do not turn at all"
    )


def _explain_constant(experiment: Experiment, element: Transform, part: str) -> Explanation | None:
    """Returns the explanation if the deviation is the same for another input."""
    here, other = _deviation(experiment, element), experiment.with_inputs(replaced(experiment.seed))
    there = None if other is None else _deviation(other, element)
    if here is None or there is None or here.shape != there.shape or lattice_of(experiment.how) is None:
        return None
    if float((here - there).norm()) > 1e-6 * float(here.norm()):
        return None
    return explained(
        "component-bias",
        f"the deviation of {part} under {element} is the same for other inputs: a constant is added to components that "
        "turn",
    )


def _explain_pointwise(experiment: Experiment, element: Transform, part: str) -> Explanation | None:
    if not _is_pointwise(experiment):
        return None
    return Explanation(
        "component-mixing",
        f"a cell of {part} reads the same cell of the input alone, and the error under {element} is "
        f"{experiment.outcome(element).error:.2g}: components at a cell are mixed, gated or bent one by one",
    )


def _explain_off_centre(experiment: Experiment, element: Transform, part: str) -> Explanation | None:
    """Returns the explanation if the result is right, but some cells away."""
    how, outcome, lattice = experiment.how, experiment.outcome(element), lattice_of(experiment.how)
    if lattice is None or outcome.made is None or outcome.wanted is None or not outcome.comparable or how is None:
        return None
    places = lattice.places(outcome.made)
    made, wanted = (part_of(t, how, experiment.key[1]) for t in (outcome.made, outcome.wanted))
    for cells in _offsets(len(places)):
        pieces = [_central_cells(made, places, (0,) * len(places)), _central_cells(wanted, places, cells)]
        if min(p.numel() for p in pieces) == 0:
            return None
        size = float(pieces[1].norm())
        if size and float((pieces[0] - pieces[1]).norm()) <= max(10 * experiment.tolerance, 1e-9) * size:
            return explained(
                "off-centre-window",
                f"under {element} {part} is what it should be, but {cells} cells away: a window or a padding lies off "
                "the middle",
            )
    return None


def _explain_uneven(experiment: Experiment, element: Transform, part: str) -> Explanation | None:
    """Returns the explanation if the element is respected on a grid of one cell less."""
    other = experiment.with_inputs(cropped())
    if other is None or other.outcome(element).error > max(experiment.tolerance, 1e-9):
        return None
    lattices = [(t, lattice_of(how)) for _, t, how in experiment.inputs()]
    sizes = {t.shape[lattice.axes[0]] for t, lattice in lattices if lattice is not None}
    count = " and ".join(map(str, sorted(sizes)))
    return explained(
        "off-centre-window",
        f"{part} respects {element} on a grid of one cell less along each axis, and not on the given one of {count}: a "
        "stride or a window does not lie symmetrically about the middle",
    )


def _explain_direction(experiment: Experiment, grid: GridSizes, element: Transform, part: str) -> Explanation:
    turns = lattice_rotations(grid)
    kept = [r for r in turns if experiment.respects(r)]
    return explained(
        "grid-direction",
        f"{len(kept)} of {len(turns)} rotations of the lattice are respected (error "
        f"{experiment.outcome(element).error:.2g} under {element}), and {part} reads more than one cell: a direction "
        "of the grid is built in, as by a kernel that is not symmetric",
        "Use steerable kernels (spherical harmonics times functions of the radius), or average over the rotations.",
    )


def _is_pointwise(experiment: Experiment) -> bool:
    """True if a change of one cell of the input changes only this cell of the output."""
    lattice, plain, other = lattice_of(experiment.how), experiment.plain, experiment.with_inputs(nudged())
    if lattice is None or plain is None or other is None or other.plain is None or other.plain.shape != plain.shape:
        return False
    given = [(t, lattice_of(how)) for _, t, how in experiment.inputs()]
    if any(
        here is not None and [t.shape[a] for a in here.axes] != [plain.shape[a] for a in lattice.axes]
        for t, here in given
    ):
        return False
    changed = (other.plain - plain).abs().double()
    cell = tuple(
        slice(length // 3, length // 3 + 1) if axis in lattice.places(plain) else slice(None)
        for axis, length in enumerate(plain.shape)
    )
    at = float(changed[cell].amax())
    changed[cell] = 0
    return at > 0 and float(changed.amax()) < 0.05 * at


def _share_near_borders(experiment: Experiment, element: Transform) -> float | None:
    """Returns the share of the squared deviation in the outer quarter along each axis; None if there is none."""
    lattice, deviation = lattice_of(experiment.how), _deviation(experiment, element)
    if lattice is None or deviation is None:
        return None
    total, inner = deviation.square(), deviation.square()
    for axis in lattice.places(deviation):
        length = deviation.shape[axis]
        inner = inner.narrow(axis, length // 4, length - 2 * (length // 4))
    whole = float(total.sum())
    return 1 - float(inner.sum()) / whole if whole else None


def _deviation(experiment: Experiment, element: Transform) -> torch.Tensor | None:
    outcome = experiment.outcome(element)
    if outcome.made is None or outcome.wanted is None or not outcome.comparable:
        return None
    return (outcome.made - outcome.wanted).double()


def _offsets(dimensions: int) -> Iterator[tuple[int, ...]]:
    """Yields all offsets of up to two cells along each axis, the nearest first, without the zero offset."""
    found = itertools.product(range(-2, 3), repeat=dimensions)
    yield from sorted((o for o in found if any(o)), key=lambda o: sum(map(abs, o)))


def _central_cells(values: torch.Tensor, places: list[int], cells: tuple[int, ...]) -> torch.Tensor:
    """Returns the cells that are three or more from any border, shifted by `cells`."""
    for axis, offset in zip(places, cells, strict=True):
        length = values.shape[axis]
        values = values.narrow(axis, min(3 - offset, length), max(length - 6, 0)) if length > 6 else values[:0]
    return values
