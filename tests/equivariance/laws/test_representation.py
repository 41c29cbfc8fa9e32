"""The usual representation for what was seen to obey some laws."""

import pytest
import torch

from equivariance import CartesianPoints, Invariant, Irreps
from equivariance._engine.laws.forms import (
    InvariantLaw,
    IrrepLaw,
    ParityLaw,
    PermutationLaw,
    SelectionLaw,
    TranslationLaw,
)
from equivariance._engine.laws.representation import InferredRepresentation, representation_of
from equivariance.groups.elements import inversion, permutation, rotation, samples, translation
from tests.equivariance.helpers.specimens import normal

SAME = InvariantLaw()
ODD, VECTOR = ParityLaw(0, (-1,)), IrrepLaw(((1, (1,)),))
ROWS = PermutationLaw(((0, 1),))
MIXED = IrrepLaw(((1, (0, 1, 1, 2)),))
CASES = [
    ({"translation": SAME, "rotation": SAME}, (5, 4), Invariant(nodes=None, batch=None)),
    ({"translation": SAME, "rotation": SAME, "permutation": ROWS}, (5, 4), Invariant(nodes=0, batch=None)),
    ({"translation": SAME, "rotation": VECTOR}, (5, 3), Irreps(irreps="1x1o", nodes=None, batch=None)),
    ({"rotation": VECTOR, "inversion": SAME}, (5, 3), Irreps(irreps="1x1e", nodes=None, batch=None)),
    ({"rotation": VECTOR, "inversion": ODD}, (5, 3), Irreps(irreps="1x1o", nodes=None, batch=None)),
    ({"rotation": MIXED}, (5, 12), Irreps(irreps="1x0e+2x1o+1x2e", nodes=None, batch=None)),
    (
        {"rotation": SAME, "inversion": ParityLaw(1, (1, -1, -1))},
        (5, 3),
        Irreps(irreps="0e+2x0o", nodes=None, batch=None),
    ),
    (
        {"translation": TranslationLaw(1), "rotation": VECTOR, "permutation": ROWS},
        (5, 3),
        CartesianPoints(nodes=0, batch=None),
    ),
    ({"rotation": VECTOR, "batch": SelectionLaw(0, (1,) * 5)}, (5, 3), Irreps(irreps="1x1o", nodes=None, batch=0)),
]
UNUSUAL = [
    ({"translation": TranslationLaw(1)}, (5, 3)),
    ({"translation": TranslationLaw(0), "rotation": IrrepLaw(((0, (1,)),))}, (3, 5)),
    ({"rotation": IrrepLaw(((0, (1,)), (1, (1,))))}, (3, 3)),
    ({"rotation": VECTOR, "inversion": ParityLaw(1, (1, -1, -1))}, (5, 3)),
    ({"rotation": SAME, "permutation": PermutationLaw(((0, 1), (1, 1)))}, (5, 5)),
    ({"rotation": SAME, "permutation": PermutationLaw(((0, 1),), renumbered=True)}, (5, 5)),
    ({"rotation": SAME, "permutation": ROWS}, (10, 4)),
    ({"rotation": SAME, "batch": SelectionLaw(0, (2, 3))}, (5, 4)),
    ({"rotation": SAME, "permutation": ROWS, "batch": SelectionLaw(0, (1,) * 5)}, (5, 4)),
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
        wanted = InferredRepresentation(laws=tuple(laws.items())).transform(tensor, ELEMENTS[symmetry])
        torch.testing.assert_close(found.transform(tensor, ELEMENTS[symmetry]), wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("laws", "shape"), UNUSUAL)
def test_what_no_declaration_says_keeps_its_laws(laws, shape):
    assert representation_of(laws, normal(*shape), nodes=5) == InferredRepresentation(laws=tuple(laws.items()))
