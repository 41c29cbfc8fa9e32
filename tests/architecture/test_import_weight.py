"""What `import equivariance` must not bring in; benchmarks/import_time.py measures what it costs."""

import subprocess
import sys

import pytest

# e3nn is a requirement, but its import costs more than all of the harness: it is loaded when an irrep is first named.
HEAVY = {
    *("dgl", "open3d", "matplotlib", "pytest", "_pytest", "hypothesis", "torch_geometric", "escnn", "e3nn"),
    *("lightning", "tensorboard", "pandas", "se3unet", "faces"),
}


def loaded_by(statement):
    """The top-level packages in sys.modules after the statement, in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_import_is_light():
    assert not loaded_by("import equivariance") & HEAVY


def test_the_patients_do_not_bring_dgl():
    assert not loaded_by("import se3unet, faces") & {"dgl", "equivariance", "open3d", "matplotlib", "pytest"}


@pytest.mark.parametrize("package", ["hypothesis", "e3nn"])
def test_heavy_packages_would_be_seen(package):
    assert package in loaded_by(f"import {package}")
