"""The arrows: equivariance knows no patient, faces knows nobody, patients meet the harness in a file or two."""

import pytest

from tests.architecture.sources import PACKAGES, ROOT, imported_packages, sources

ALLOWED = {"equivariance": set(), "faces": set(), "se3unet": {"faces"}, "steerable3d": set()}
MAY_KNOW_THE_HARNESS = {
    *("se3unet/subjects.py", "se3unet/contracts.py", "se3unet/published/contracts.py"),
    # A training is watched by the harness.
    "se3unet/training/callbacks.py",
    *("steerable3d/subjects.py", "steerable3d/contracts.py"),
}


@pytest.mark.parametrize("package", PACKAGES)
def test_arrows_run_one_way(package):
    wrong = []
    for path in sources(package):
        name = path.relative_to(ROOT).as_posix()
        allowed = ALLOWED[package] | ({"equivariance"} if name in MAY_KNOW_THE_HARNESS else set())
        others = imported_packages(path.read_text(), package) & (set(PACKAGES) - {package})
        wrong += [f"{name} imports {other}" for other in sorted(others - allowed)]
    assert not wrong


@pytest.mark.parametrize(
    "source",
    [
        "import faces.mesh",
        "from faces import Mesh",
        "def f():\n    from faces.mesh import Mesh",
        "import importlib\nimportlib.import_module('faces.mesh')",
        "__import__('faces')",
    ],
)
def test_every_way_to_import_is_seen(source):
    assert "faces" in imported_packages(source, "equivariance")


def test_a_relative_import_stays_at_home():
    assert imported_packages("from . import mesh\nfrom .faces import Mesh", "equivariance") == {"equivariance"}
