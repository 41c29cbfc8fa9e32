"""An explanation takes cause and remedy from the catalogue."""

import pytest

from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance.cause_catalogue import MECHANISMS, remedy


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda m: m.name)
def test_a_mechanism_brings_its_cause_and_its_remedy(mechanism):
    found = explained(mechanism.name, "seen")
    assert (found.cause, found.mechanism, found.fix) == (mechanism.cause, mechanism.name, mechanism.remedy)
    assert explained(mechanism.name, "seen", "Do this.").fix == "Do this."


def test_without_a_mechanism_the_remedy_is_that_of_the_cause():
    assert Explanation("precision", "seen").fix == remedy("precision")
    assert Explanation("unknown", "seen").fix == ""


def test_an_explanation_in_a_local_frame_keeps_its_mechanism():
    found = explained("component-bias", "seen").in_local_frame(SourceLine("net.py", 3))
    assert found.mechanism == "component-bias"
    assert "net.py:3" in found.evidence
