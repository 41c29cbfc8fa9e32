"""The named groups of the public interface, and the symmetries that generate them.

Called by the entry points to parse a `group` argument. The module draws no elements; `groups.sampling` does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial

import numpy as np

from equivariance.errors import ChoiceError
from equivariance.groups.actions import Actions
from equivariance.groups.elements import Transform, cube_rotations, rotation
from equivariance.groups.further import Mirrors, Scalings
from equivariance.groups.lattice_moves import LatticeMoves
from equivariance.groups.matrices import IDENTITY
from equivariance.groups.reorderings import Batches, Permutations
from equivariance.groups.sampling import Elements, Group, Inversions, Rotations, Translations


class Symmetry(StrEnum):
    """One kind of transformation, tested by itself; equal to its name as a plain string.

    >>> Symmetry("rotation").is_motion, Symmetry.BATCH.is_motion, Symmetry.BATCH == "batch"
    (True, False, True)
    """

    TRANSLATION = "translation"
    ROTATION = "rotation"
    INVERSION = "inversion"
    PERMUTATION = "permutation"
    BATCH = "batch"
    LATTICE = "lattice"
    SCALE = "scale"
    MIRROR = "mirror"
    SWAP = "swap"

    @classmethod
    def _missing_(cls, value: object) -> Symmetry | None:
        """Returns the symmetry of a group that a user named."""
        if not (isinstance(value, str) and value.isidentifier()):
            return None
        own = str.__new__(cls, value)
        own._name_, own._value_ = value, value
        return own

    @property
    def is_motion(self) -> bool:
        """True if its elements act on space: they move points, rotate irreps or move the cells of a grid."""
        return self in (Symmetry.TRANSLATION, Symmetry.ROTATION, Symmetry.INVERSION, Symmetry.MIRROR)

    @property
    def is_read_off(self) -> bool:
        """True if runs show how an undeclared output transforms under it."""
        return self in (*Symmetry,) and self not in (Symmetry.SCALE, Symmetry.MIRROR, Symmetry.SWAP)

    @property
    def is_followed(self) -> bool:
        """True if layers are measured apart; otherwise the code of all layers counts as that of the whole."""
        return self in (*Symmetry,) and self not in (Symmetry.LATTICE, Symmetry.SWAP)

    @property
    def is_reordering(self) -> bool:
        """True if its elements permute or select entries along an axis and change no number."""
        return self in (Symmetry.PERMUTATION, Symmetry.BATCH)


SYMMETRIES = tuple(symmetry.value for symmetry in Symmetry)
"""The symmetries that are tested one at a time, in the order of the reports."""

NAMED_GROUPS: dict[str, tuple[str, ...]] = {
    "translation": ("translation",),
    "inversion": ("inversion",),
    "so3": ("rotation",),
    "o3": ("rotation", "inversion"),
    "se3": ("translation", "rotation"),
    "e3": ("translation", "rotation", "inversion"),
    "lattice": ("translation", "rotation", "lattice"),
    "permutation": ("permutation",),
    "batch": ("batch",),
    "scale": ("scale",),
    "so2": ("rotation",),
    "e2": ("translation", "rotation", "mirror"),
}
"""Group names of the public interface and the symmetries that generate them.

"lattice" is the lattice of the inputs. If they have lattice vectors, the name stands for the symmetry "lattice" alone.
Otherwise it stands for exact translations and rotations: by whole cells of a grid, and those of the cube.

"so2" and "e2" are turns about z, shifts, and the mirror of x, for points in a plane.

`groups_of` also takes names as people write them, and the turns of a square or another polygon about z ("c4").
"""

_ALIASES = {
    "rotation": "so3", "rotations": "so3", "translations": "translation", "inversions": "inversion",
    "permutations": "permutation", "sn": "permutation", "batches": "batch",
}  # fmt: skip
_TURNS = re.compile(r"c([2-9]|[1-9][0-9])")


def groups_of(group: object, max_translation: float | None = None) -> tuple[Group, ...]:
    """Returns the groups for a public `group` argument, in the order of `SYMMETRIES`, without duplicates.

    Args:
        group: A name of `NAMED_GROUPS`, a `Group`, a `Transform`, or a list of these. Names may be written as "SE(3)",
            "O3" or "rotation"; "c4" are the turns by quarters about z, "c6" by sixths.
        max_translation: The longest translation, in the units of the positions. None means ten times the extent of the
            cloud.

    Raises:
        ChoiceError: If a name is no group; the message lists the names.
    """
    items: Iterable[object] = group if isinstance(group, (list, tuple, set, frozenset)) else (group,)
    found: list[Group] = []
    for item in items:
        found.extend(_parse(item, max_translation))
    unique = {(g.symmetry, repr(g)): g for g in found}
    if not unique:
        raise ChoiceError("group", group, NAMED_GROUPS)
    return tuple(sorted(unique.values(), key=lambda g: _place(g.symmetry)))


def named_symmetries(group: object) -> tuple[str, ...]:
    """Returns the symmetries that a public `group` argument names.

    "se3" and "e3" name no translation: on vectors and irreps alone, a translation has nothing to move.

    Args:
        group: As for `groups_of`.

    Raises:
        ChoiceError: If a name is no group.
    """
    items: Iterable[object] = group if isinstance(group, (list, tuple, set, frozenset)) else (group,)
    found = [g.symmetry for item in items for g in _parse(item, None) if not (item in _MOTIONS and _is_shift(g))]
    return tuple(dict.fromkeys(found))


_MOTIONS = ("se3", "e3", "lattice")


def _place(symmetry: str) -> int:
    """Returns the place of a symmetry in reports; groups that a user named come last."""
    return SYMMETRIES.index(symmetry) if symmetry in SYMMETRIES else len(SYMMETRIES)


def of_lattice(groups: Sequence[Group], has_lattice_vectors: bool) -> tuple[Group, ...]:
    """Returns groups in which the name "lattice" stands for one lattice: that of a crystal, or that of a grid.

    Args:
        groups: The groups that `groups_of` gave.
        has_lattice_vectors: True if the inputs have lattice vectors.
    """
    exact = [g for g in groups if isinstance(g, (Translations, Rotations)) and g.lattice]
    moves = [g for g in groups if isinstance(g, LatticeMoves)]
    if not (exact and moves):
        return tuple(groups)
    return tuple(g for g in groups if g not in (exact if has_lattice_vectors else moves))


def _is_shift(group: Group) -> bool:
    return group.symmetry == Symmetry.TRANSLATION


def _parse(item: object, max_translation: float | None) -> list[Group]:
    """Returns the groups for one item of a `group` argument."""
    if isinstance(item, Group):
        return [item]
    if isinstance(item, Transform):
        return [Elements((item,), symmetry_of(item))]
    name = _plain(item) if isinstance(item, str) else ""
    if turns := _TURNS.fullmatch(name):
        return [Elements(_turns(int(turns[1])), "rotation")]
    if name not in NAMED_GROUPS:
        raise ChoiceError("group", item, NAMED_GROUPS)
    classes: dict[str, Callable[[], Group]] = {
        "rotation": Rotations,
        "inversion": Inversions,
        "permutation": Permutations,
        "batch": Batches,
        "scale": Scalings,
        "mirror": Mirrors,
    }
    if name in ("so2", "e2"):
        classes["rotation"] = partial(Rotations, axis=(0.0, 0.0, 1.0))
    if name == "lattice":
        return [Translations(max_translation, lattice=True), Rotations(lattice=True), LatticeMoves()]
    return [Translations(max_translation) if s == "translation" else classes[s]() for s in NAMED_GROUPS[name]]


def _plain(name: str) -> str:
    """Returns the name of a group in the spelling of `NAMED_GROUPS`: "SE(3)" and "se-3" are "se3"."""
    bare = re.sub(r"[\s()_-]", "", name).lower()
    return _ALIASES.get(bare, bare)


def _turns(order: int) -> tuple[Transform, ...]:
    """Returns the rotations about z by multiples of a full turn / `order`, exact if the cube has them."""
    found = [rotation((0.0, 0.0, 2 * math.pi * i / order)) for i in range(1, order)]
    return tuple(next((c for c in cube_rotations() if np.allclose(c.array, r.array, atol=1e-9)), r) for r in found)


def symmetry_of(element: Transform) -> str:
    """Returns the symmetry as which an element is tested."""
    if element.actions is not None:
        return _symmetry_of_actions(element.actions)
    kinds = (
        ("lattice", element.acts_on_lattice),
        ("batch", element.samples is not None or element.padding > 0),
        ("permutation", element.order is not None or element.edges is not None),
        ("inversion", element.determinant < 0),
        ("scale", element.matrix == IDENTITY and element.scale != 1),
        ("translation", element.angle == 0 and element.distance > 0),
    )
    return next((kind for kind, found in kinds if found), "rotation")


def _symmetry_of_actions(actions: Actions) -> str:
    """Returns the symmetry of an element of a product, of an exchange, or of a matrix group."""
    if actions.factors:
        return next((symmetry_of(g) for g in actions.factors if isinstance(g, Transform) and g.moves), "rotation")
    return "swap" if actions.exchanged else "linear"
