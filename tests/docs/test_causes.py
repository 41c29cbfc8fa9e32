"""The page of causes lists every cause and every mechanism of the catalogue, in its words."""

import re

import pytest

from equivariance.cause_catalogue import CATALOGUE, MECHANISMS
from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs" / "causes.md").read_text()
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}


def plain(text):
    return " ".join(text.replace("\\|", "|").split())


def rows(section):
    """Mechanism -> (measured, limits, remedy)."""
    found = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", section, flags=re.MULTILINE)
    return {name: tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", cells)) for name, cells in found}


def test_the_sections_are_the_causes():
    assert sorted(SECTIONS) == sorted([*(cause.name for cause in CATALOGUE), "The curves"])


@pytest.mark.parametrize("cause", CATALOGUE, ids=lambda cause: cause.name)
def test_a_section_gives_meaning_remedy_and_mechanisms(cause):
    section = SECTIONS[cause.name]
    assert cause.meaning in plain(section)
    assert cause.remedy in plain(section)
    table = rows(section)
    assert list(table) == [m.name for m in MECHANISMS if m.cause == cause.name]
    for mechanism in (m for m in MECHANISMS if m.cause == cause.name):
        measured, _, remedy = table[mechanism.name]
        assert measured.endswith("."), mechanism.name
        assert plain(remedy) == mechanism.remedy
