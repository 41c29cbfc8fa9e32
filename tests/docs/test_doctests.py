"""The examples in the docstrings of the package run, and print what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

import equivariance

ROOT = Path(equivariance.__file__).parent
OPTIONAL = {"dgl", "escnn", "lightning", "nequip", "torch_geometric"}
MODULES = [
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_print_what_they_say(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"{name} needs {error.name}")
    examples = [found for found in doctest.DocTestFinder().find(module, name) if found.examples]
    assert examples, f"no docstring of {name} holds the example"
    printed: list[str] = []
    for example in examples:
        doctest.DocTestRunner(verbose=False).run(example, out=printed.append)
    assert not printed, "".join(printed)


def test_large_classes_have_an_example():
    assert {"equivariance.groups.elements", "equivariance.representations.grid"} <= {*MODULES}
