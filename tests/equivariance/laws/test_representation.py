"""The usual representation for what was seen to obey some laws."""

import pytest
import torch

from equivariance import CartesianPoints, Invariant, Irreps
from equivariance._engine.laws.forms import Moved, Reordered, Selected, Signed, Turned, Unchanged
from equivariance._engine.laws.representation import Lawful, representation_of
from equivariance.groups.elements import inversion, permutation, rotation, samples, translation
from tests.equivariance.helpers.specimens import normal

SAME = Unchanged()
ODD, VECTOR = Signed(0, (-1,)), Turned(((1, (1,)),))
ROWS = Reordered(((0, 1),))
MIXED = Turned(((1, (0, 1, 1, 2)),))
CASES = [
    ({"translation": SAME, "rotation": SAME}, (5, 4), Invariant(nodes=None, batch=None)),
    ({"translation": SAME, "rotation": SAME, "permutation": ROWS}, (5, 4), Invariant(nodes=0, batch=None)),
    ({"translation": SAME, "rotation": VECTOR}, (5, 3), Irreps(irreps="1x1o", nodes=None, batch=None)),
    ({"rotation": VECTOR, "inversion": SAME}, (5, 3), Irreps(irreps="1x1e", nodes=None, batch=None)),
    ({"rotation": VECTOR, "inversion": ODD}, (5, 3), Irreps(irreps="1x1o", nodes=None, batch=None)),
    ({"rotation": MIXED}, (5, 12), Irreps(irreps="1x0e+2x1o+1x2e", nodes=None, batch=None)),
    ({"rotation": SAME, "inversion": Signed(1, (1, -1, -1))}, (5, 3), Irreps(irreps="0e+2x0o", nodes=None, batch=None)),
    (
        {"translation": Moved(1), "rotation": VECTOR, "permutation": ROWS},
        (5, 3),
        CartesianPoints(nodes=0, batch=None),
    ),
    ({"rotation": VECTOR, "batch": Selected(0, (1,) * 5)}, (5, 3), Irreps(irreps="1x1o", nodes=None, batch=0)),
]
UNUSUAL = [
    ({"translation": Moved(1)}, (5, 3)),
    ({"translation": Moved(0), "rotation": Turned(((0, (1,)),))}, (3, 5)),
    ({"rotation": Turned(((0, (1,)), (1, (1,))))}, (3, 3)),
    ({"rotation": VECTOR, "inversion": Signed(1, (1, -1, -1))}, (5, 3)),
    ({"rotation": SAME, "permutation": Reordered(((0, 1), (1, 1)))}, (5, 5)),
    ({"rotation": SAME, "permutation": Reordered(((0, 1),), renumbered=True)}, (5, 5)),
    ({"rotation": SAME, "permutation": ROWS}, (10, 4)),
    ({"rotation": SAME, "batch": Selected(0, (2, 3))}, (5, 4)),
    ({"rotation": SAME, "permutation": ROWS, "batch": Selected(0, (1,) * 5)}, (5, 4)),
]
ELEMENTS = {
    "translation": translation([1.0, 2.0, 3.0]),
    "rotation": rotation([0.3, 0.4, 0.5]),
    "inversion": inversion(),
    "permutation": permutation([4, 2, 0, 1, 3]),
    "batch": samples([3, 1], of=5),
}


@pytest.mark.parametrize(("laws", "shape", "expected"), CASES)
def test_it_is_what_a_person_would_declare_and_acts_as_the_laws_do(laws, shape, expected):
    tensor = normal(*shape).double()
    found = representation_of(laws, tensor, nodes=5)
    assert found == expected
    for symmetry in laws:
        wanted = Lawful(laws=tuple(laws.items())).transform(tensor, ELEMENTS[symmetry])
        torch.testing.assert_close(found.transform(tensor, ELEMENTS[symmetry]), wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("laws", "shape"), UNUSUAL)
def test_what_no_declaration_says_keeps_its_laws(laws, shape):
    assert representation_of(laws, normal(*shape), nodes=5) == Lawful(laws=tuple(laws.items()))
