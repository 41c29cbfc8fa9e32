"""The rules that every source file keeps."""

import re

import pytest

from tests.architecture.sources import PACKAGES, ROOT, sources

LONGEST = 400
# In two pieces, lest this file be found by itself.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "NotImpl" + "emented")))

WITHOUT_SUBJECT = re.compile(r'"""(?:What|How|Whether)\b')


def test_no_file_is_long():
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in sources(*PACKAGES, "benchmarks")}
    assert len(lengths) > 20
    assert not {path: length for path, length in lengths.items() if length > LONGEST}


def test_nothing_is_unfinished():
    everything = sources(*PACKAGES, "tests", "property_tests", "benchmarks")
    assert not [path.relative_to(ROOT) for path in everything if UNFINISHED.search(path.read_text())]


def test_docstrings_begin_with_a_subject_or_a_verb():
    everything = sources(*PACKAGES, "tests", "property_tests", "benchmarks", "nightly_tests")
    assert not [path.relative_to(ROOT) for path in everything if WITHOUT_SUBJECT.search(path.read_text())]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_marked_as_typed(package):
    assert (ROOT / package / "py.typed").is_file()
