"""Copies of packages, the places that run, and the command's options. Nothing here needs a library."""

import importlib
import subprocess
import sys

import pytest
import torch
from torch import nn

from benchmarks.mutants.__main__ import _options
from benchmarks.mutants.libraries import LIBRARIES
from benchmarks.mutants.package_copy import changed_package
from benchmarks.mutants.syntax import replaced, statement_at
from benchmarks.mutants.trace import places_of
from tests.architecture.sources import ROOT


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "small_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "one.py").write_text("def f():\n    return 1\n")
    (folder / "two.py").write_text("from small_package.one import f\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [n for n in sys.modules if n.partition(".")[0] == "small_package"]:
        del sys.modules[name]


def test_a_copy_is_imported_and_the_installed_files_stay(package):
    with changed_package("small_package", {"one.py": "def f():\n    return 2\n"}) as copy:
        two = importlib.import_module("small_package.two")
        assert two.f() == 2
        assert two.f.__code__.co_filename == str(copy / "one.py")
        assert (copy / "two.py").is_symlink()
        with pytest.raises(RuntimeError, match="imported already"), changed_package("small_package", {}):
            pass
    assert (package / "one.py").read_text() == "def f():\n    return 1\n"
    assert not copy.exists()


def test_the_innermost_layer_and_the_caller_are_found(tmp_path):
    source = "def helper(x):\n    return x + 1\n\n\ndef call(x):\n    y = helper(x)\n    return y\n"
    file = tmp_path / "used.py"
    file.write_text(source)
    names = {}
    exec(compile(source, str(file), "exec"), names)

    class Inner(nn.Module):
        def forward(self, x):
            return names["call"](x)

    module = nn.Sequential(nn.Identity(), Inner())
    with places_of(module, {str(file): {2}}, tmp_path) as found:
        module(torch.zeros(1))
    assert found.layers == {"1"}
    assert found.callers == {(str(file), 6)}


def test_text_is_replaced_by_bytes():
    assert replaced("é = a\nb = c\n", (1, 5, 1, 6), "x") == "é = x\nb = c\n"
    assert replaced("a = (b +\n     c)\n", (1, 5, 2, 6), "d") == "a = (d)\n"


def test_the_header_of_a_compound_statement_is_a_statement():
    import ast

    tree = ast.parse("if (a and\n        b):\n    c = 1\n")
    assert statement_at(tree, 2).lines == range(1, 3)
    assert statement_at(tree, 3).lines == range(3, 4)


def test_options():
    assert _options(["--shard", "2/7"]).shard == (2, 7)
    for wrong in ("0/2", "3/2", "x"):
        with pytest.raises(SystemExit):
            _options(["--shard", wrong])


def test_every_library_has_modules_and_a_fixed_version():
    for library in LIBRARIES:
        assert library.environment.requirements[0] == f"{library.name}=={library.version}"
        assert (ROOT / "benchmarks" / "mutants" / "modules" / f"{library.cases}.py").is_file()


def test_the_command_needs_none_of_the_libraries():
    code = "import sys, benchmarks.mutants.__main__, benchmarks.mutants.worker; print('egnn_pytorch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
