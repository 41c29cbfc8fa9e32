"""What `import equivariance` must not bring in; benchmarks/import_time.py measures what it costs."""

import ast
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
"""What the first use of a public name costs, and the import of the package does not."""


def loaded_by(statement):
    """The top-level packages in sys.modules after the statement, in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_import_is_light():
    assert not loaded_by("import equivariance") & (HEAVY | PYTORCH)


@pytest.mark.parametrize("name", ["check", "Report", "groups"])
def test_the_first_use_of_a_name_brings_pytorch_at_most(name):
    assert not loaded_by(f"import equivariance; equivariance.{name}") & HEAVY


def test_the_module_of_the_command_cannot_hide_the_function():
    code = "import equivariance as eq\ntry:\n    import equivariance.diagnose\nexcept ImportError as error:\n"
    code += "    assert 'equivariance.cli.main' in str(error)\nelse:\n    raise SystemExit('imported')\n"
    assert "torch" in loaded_by(f"{code}assert type(eq.check).__name__ == type(eq.diagnose).__name__ == 'function'")


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


def test_networks_and_faces_bring_neither_the_harness_nor_optional_packages():
    optional = {"dgl", "lightning", "matplotlib", "open3d", "pytest", "safetensors", "trimesh"}
    names = ("faces", "landmarks.evaluation", "steerable3d.training", "training.trainer")
    code = f"import se3unet.training, {', '.join(f'equivariance_zoo.{name}' for name in names)}"
    assert not loaded_by(code) & {"equivariance", *optional}


@pytest.mark.parametrize("package", ["hypothesis", "e3nn"])
def test_heavy_packages_would_be_seen(package):
    assert package in loaded_by(f"import {package}")
