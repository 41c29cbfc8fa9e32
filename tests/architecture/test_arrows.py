"""Imports between the packages run one way, and a network meets the harness in two files."""

import pytest

from tests.architecture.sources import PACKAGES, ROOT, imported_modules, module_of, sources

# Each room, and the rooms that it may import.
_SHARED = (
    "equivariance_zoo.training",
    "equivariance_zoo.faces",
    "equivariance_zoo.landmarks",
    "equivariance_zoo.scenes",
)
# Written for all packages: they import the standard library only.
_FOUNDATIONS = ("equivariance._files", "equivariance._printable")
ALLOWED = {
    **dict.fromkeys(_FOUNDATIONS, ()),
    "equivariance": _FOUNDATIONS,
    "equivariance_zoo.training": _FOUNDATIONS,
    "equivariance_zoo.faces": (*_FOUNDATIONS, *_SHARED[:1]),
    "equivariance_zoo.landmarks": (*_FOUNDATIONS, *_SHARED[:2]),
    "equivariance_zoo.scenes": (*_FOUNDATIONS, *_SHARED[:3]),
    "equivariance_zoo.cprfa": (*_FOUNDATIONS, *_SHARED),
    "equivariance_zoo.steerable3d": (*_FOUNDATIONS, *_SHARED),
    "se3unet": (*_FOUNDATIONS, *_SHARED),
    "equivariance_zoo": (),
}
NETWORKS = ("equivariance_zoo.cprfa", "equivariance_zoo.steerable3d", "se3unet")
MEETS_THE_HARNESS = ("contracts", "subjects")


def room_of(module):
    """The longest name in ALLOWED that contains the module, "" for other packages."""
    rooms = [room for room in ALLOWED if module == room or module.startswith(room + ".")]
    return max(rooms, key=len, default="")


def wrong_arrows(module, source):
    room = room_of(module)
    allowed = {"", room, *ALLOWED[room]}
    if room in NETWORKS and module.split(".")[-1] in MEETS_THE_HARNESS:
        allowed.add("equivariance")
    return sorted(name for name in imported_modules(source, module) if room_of(name) not in allowed)


@pytest.mark.parametrize("package", PACKAGES)
def test_arrows_run_one_way(package):
    modules = {module_of(path): path for path in sources(package)}
    assert modules
    wrong = {name: wrong_arrows(name, path.read_text()) for name, path in modules.items()}
    assert not {name: names for name, names in wrong.items() if names}


@pytest.mark.parametrize(
    "source",
    [
        "import equivariance_zoo.faces.geometry.mesh",
        "from equivariance_zoo import faces",
        "from equivariance_zoo.faces import Mesh",
        "def f():\n    from equivariance_zoo.faces.geometry.mesh import Mesh",
        "import importlib\nimportlib.import_module('equivariance_zoo.faces.geometry.mesh')",
        "__import__('equivariance_zoo.faces')",
    ],
)
def test_every_way_to_import_is_seen(source):
    assert wrong_arrows("equivariance.api", source)
    assert not wrong_arrows("se3unet.model", source)


def test_only_two_files_of_a_network_may_import_the_harness():
    assert wrong_arrows("se3unet.model", "import equivariance as eq") == ["equivariance"]
    assert not wrong_arrows("se3unet.subjects", "import equivariance as eq")


def test_a_relative_import_stays_at_home():
    source = "from . import mesh\nfrom .faces import Mesh"
    assert imported_modules(source, "equivariance.api") == {"equivariance.mesh", "equivariance.faces.Mesh"}


def test_every_folder_is_a_package_and_small():
    assert (ROOT / "equivariance").is_dir()
    folders = {path.parent for path in sources(*PACKAGES)}
    assert not [folder.name for folder in folders if not (folder / "__init__.py").is_file()]
