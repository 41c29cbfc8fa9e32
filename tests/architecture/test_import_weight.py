"""Modules that `import equivariance` must not import; benchmarks/import_time.py measures the time."""

import ast
import json
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

# e3nn is a requirement, but its import costs more than all of the harness: it is loaded when an irrep is first named.
HEAVY = {
    *("dgl", "open3d", "matplotlib", "pytest", "_pytest", "hypothesis", "torch_geometric", "escnn", "e3nn"),
    *("lightning", "tensorboard", "pandas", "se3unet", "equivariance_zoo"),
}
PYTORCH = {"torch", "scipy", "numpy"}
"""Modules that the first use of a public name imports, and the import of the package does not."""


LIGHT = "import equivariance"
FIRST_USES = [f"import equivariance; equivariance.{name}" for name in ("check", "Report", "groups")]
NETWORKS = """
import se3unet.training, equivariance_zoo.faces, equivariance_zoo.landmarks.evaluation
import equivariance_zoo.steerable3d.training, equivariance_zoo.training.trainer, sys
brought = {name for name in sys.modules if name.startswith("equivariance.")}
assert brought <= {"equivariance._files", "equivariance._printable"}, brought
"""
COMMAND = """
import equivariance as eq
try:
    import equivariance.diagnose
except ImportError as error:
    assert "equivariance.cli.main" in str(error)
else:
    raise SystemExit("imported")
assert type(eq.check).__name__ == type(eq.diagnose).__name__ == "function"
"""
HELP = """
from equivariance.cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
"""
BARE = [LIGHT, HELP]
AFTER_PYTORCH = [*FIRST_USES, NETWORKS, COMMAND, "import hypothesis", "import e3nn"]

FORKS = """
import os, sys

def after(statement):
    read, write = os.pipe()
    if os.fork() == 0:
        sys.stdout = sys.stderr
        exec(statement)
        os.write(write, " ".join({name.partition(".")[0] for name in sys.modules}).encode())
        os._exit(0)
    os.close(write)
    with open(read) as names:
        return names.read().split()
"""


@pytest.fixture(scope="module")
def loaded():
    """Statement -> the top-level packages in sys.modules after it, each in a fork of one fresh interpreter."""
    code = f"{FORKS}\nfound = {{s: after(s) for s in {BARE!r}}}\nimport torch\n"
    code += f"found |= {{s: after(s) for s in {AFTER_PYTORCH!r}}}\nimport json\nprint(json.dumps(found))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = {statement: set(names) for statement, names in json.loads(result.stdout).items()}
    assert all(found.values()), result.stderr
    return found


@pytest.mark.slow
def test_import_is_light(loaded):
    assert not loaded[LIGHT] & (HEAVY | PYTORCH)


def test_help_does_not_wait_for_pytorch(loaded):
    assert not loaded[HELP] & (HEAVY | {"torch"})


@pytest.mark.parametrize("statement", FIRST_USES)
def test_the_first_use_of_a_name_brings_pytorch_at_most(statement, loaded):
    assert not loaded[statement] & HEAVY


def test_the_module_of_the_command_cannot_hide_the_function(loaded):
    assert "equivariance" in loaded[COMMAND]


def test_every_public_name_is_found_and_no_other():
    import equivariance

    assert {name for name in equivariance.__all__ if getattr(equivariance, name) is None} == set()
    assert dir(equivariance) == sorted(equivariance.__all__)
    with pytest.raises(AttributeError, match="module 'equivariance' has no attribute 'chek'"):
        equivariance.chek  # noqa: B018


def test_type_checkers_see_the_names_that_are_imported_late():
    tree = ast.parse((ROOT / "equivariance" / "__init__.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module != "typing"]
    seen = {alias.name: node.module for node in imports for alias in node.names if node.module != "types"}
    import equivariance

    assert sorted(seen) == sorted(equivariance.__all__)
    homes = {name: f"equivariance.{home}" for name, home in equivariance._HOME.items()}
    assert {**homes, "groups": "equivariance"} == seen


def test_networks_and_faces_bring_neither_the_harness_nor_optional_packages(loaded):
    optional = {"dgl", "lightning", "matplotlib", "open3d", "pytest", "safetensors", "trimesh"}
    assert not loaded[NETWORKS] & optional


@pytest.mark.parametrize("package", ["hypothesis", "e3nn"])
def test_heavy_packages_would_be_seen(package, loaded):
    assert package in loaded[f"import {package}"]
