"""Notes about rounding, from single measurements."""

import pytest
import torch

from equivariance._engine.diagnosis.layer_rows import _describe_rounding
from equivariance._engine.measurement.verdict import Measurement

EPSILON = torch.finfo(torch.float64).eps


@pytest.mark.parametrize(
    ("dtype", "error", "words"), [("float32", 1e-7, "float32"), ("bfloat16", 2e-4, "the tested precision")]
)
def test_the_note_on_a_constant_names_the_precision_that_it_was_rounded_to(dtype, error, words):
    tested = torch.finfo(getattr(torch, dtype)).eps
    found = Measurement(error, EPSILON, EPSILON, tested, tested, tested, stored_epsilon=tested)
    cause, text = _describe_rounding(found, "output")
    assert cause == "precision"
    assert text.endswith(f"as with a constant rounded to {words}")


def test_rounding_alone_has_no_note():
    assert _describe_rounding(Measurement(EPSILON, EPSILON, EPSILON, 1e-7, 1e-7, 1.2e-7), "output") == ("", "")
