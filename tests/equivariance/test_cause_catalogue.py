"""The catalogue of causes and mechanisms: each word is declared once, in full, and used."""

import re

import pytest

from equivariance.cause_catalogue import CATALOGUE, CAUSES, MECHANISMS, cause_named, mechanism_named
from tests.architecture.sources import sources

NAMES = [m.name for m in MECHANISMS]


def test_every_word_is_declared_once():
    assert len(set(NAMES)) == len(NAMES)
    assert not set(NAMES) & set(CAUSES)
    assert [m.cause for m in MECHANISMS] == sorted((m.cause for m in MECHANISMS), key=[c.name for c in CATALOGUE].index)


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=NAMES)
def test_a_mechanism_has_a_meaning_and_a_remedy(mechanism):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", mechanism.name)
    assert mechanism_named(mechanism.name) is mechanism
    assert cause_named(mechanism.cause).name == mechanism.cause
    assert mechanism.meaning.endswith(".")
    assert mechanism.remedy.endswith(".")
    assert "  " not in mechanism.remedy


def test_an_unknown_mechanism_is_an_error():
    with pytest.raises(KeyError):
        mechanism_named("gremlins")


def test_every_mechanism_is_named_by_an_experiment():
    engine = "".join(p.read_text() for p in sources("equivariance") if "_engine" in p.parts)
    assert [name for name in NAMES if f'"{name}"' not in engine] == []
