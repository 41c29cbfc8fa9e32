"""The page of CPRFA says what the kernels do; the matrices do not hang on the morphable model."""

import pytest

from benchmarks.cprfa.__main__ import PAGE
from benchmarks.cprfa.estimates import composition_error, printed_distances, rotation_errors
from benchmarks.cprfa.sensitivity import CHANGES, CORRECTED, PRINTED, SAME, response
from tests.equivariance_zoo.cprfa.faces import made_model

SHAPE, _ = made_model(vertices=40)
WRONG = {
    ("scale", "r_z"), ("in-plane rotation", "t"), ("in-plane rotation", "s"),
    ("in-plane rotation, t = 0", "t"), ("in-plane rotation, t = 0", "r_z"),
}  # fmt: skip


def contradicted(table):
    claims = [(name, change, kernel) for name, kernel in table.items() for change in CHANGES]
    return {(n, c) for n, c, k in claims if k.claim(c) is not None and k.claim(c) != (response(k, SHAPE, c) > SAME)}


def test_the_claims_of_the_paper_that_are_wrong():
    assert contradicted(PRINTED) == WRONG


def test_the_corrected_kernels_do_what_is_claimed():
    assert contradicted(CORRECTED) == set()


def test_the_page_shows_every_kernel_and_every_wrong_claim():
    text = PAGE.read_text()
    assert text.count(", claimed: ") == len(WRONG)
    for name in (*PRINTED, *CORRECTED):
        assert f"| {name} |" in text
    assert "| `cpr_kernels_published` | `in_plane` | rotation | insensitive |" in text
    assert "| `cpr_kernels_published` | `in_plane` | translation | absolute-position |" in text


@pytest.mark.slow
def test_the_rotation_comes_from_the_corrected_kernel_only():
    errors = rotation_errors(SHAPE, 20, 0.0)
    assert errors["always 0"] > 10
    assert errors["mean of cosine and sine"] < 1
    assert rotation_errors(SHAPE, 20, 0.2)["with robust weights"] < 1
    printed, ours = printed_distances(SHAPE)
    assert printed < 1e-12
    assert ours > 0.5
    assert composition_error(SHAPE) < 1e-12
