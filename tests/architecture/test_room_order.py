"""Inside of a room beside the harness, too, each module imports only what stands on a lower floor."""

import pytest

from tests.architecture.sources import imported_modules, module_of, sources

# Modules of one floor do not import each other, modules of one folder may.
FLOORS = {
    "equivariance_zoo.training": (
        ("cli", "devices", "extras", "files", "memory", "settings"),
        ("checkpoint", "state_files"),
        ("trainer",),
    ),
    "equivariance_zoo.faces": (
        ("errors",),
        ("geometry",),
        ("readers",),
        ("models",),
        ("heatmaps", "shipped", "face", "faceset"),
        ("upright",),
        ("crop",),
        ("preparation", "conditions"),
        ("sources",),
        ("build_sample", "__main__"),
    ),
    "equivariance_zoo.landmarks": (("ibug", "metrics", "pictures"), ("losses", "evaluation")),
    "equivariance_zoo.steerable3d": (
        ("config", "layers"),
        ("settings", "dense", "model"),
        ("data_sources", "contracts", "checkpoint"),
        ("subjects", "training"),
        ("__main__",),
    ),
    "se3unet": (
        ("geometry",),
        ("layers",),
        ("config",),
        ("model",),
        ("contracts",),
        ("published",),
        ("subjects", "training"),
        ("prediction", "evaluation"),
        ("__main__",),
    ),
}


def floor_of(room, module):
    """The part of a room that a module belongs to and the number of its floor, None for the room itself."""
    part = module.removeprefix(f"{room}.").split(".")[0]
    return next(((part, number) for number, parts in enumerate(FLOORS[room]) if part in parts), None)


def wrong(room, module, source):
    """The imports of a module that go up or aside."""
    here = floor_of(room, module)
    there = [(name, floor_of(room, name)) for name in imported_modules(source, module) if name.startswith(f"{room}.")]
    return sorted(name for name, other in there if here and other and other[0] != here[0] and other[1] >= here[1])


def modules(room):
    return {module_of(path): path.read_text() for path in sources(room.replace(".", "/"))}


@pytest.mark.parametrize("room", FLOORS)
def test_every_module_stands_on_a_floor(room):
    parts = {name.removeprefix(f"{room}.").split(".")[0] for name in modules(room) if name != room}
    assert parts == {part for floor in FLOORS[room] for part in floor}


@pytest.mark.parametrize("room", FLOORS)
def test_each_module_imports_only_what_stands_below_it(room):
    found = {name: wrong(room, name, source) for name, source in modules(room).items()}
    assert not {name: names for name, names in found.items() if names}


def test_an_import_that_goes_up_or_aside_is_seen():
    assert wrong("se3unet", "se3unet.geometry.graph", "from se3unet.layers.pool import Pool")
    assert wrong("se3unet", "se3unet.training.fit", "import se3unet.subjects")
    assert not wrong("se3unet", "se3unet.layers.pool", "from se3unet.geometry.graph import Graph")
    assert not wrong("se3unet", "se3unet.layers.pool", "from se3unet.layers.fibers import Fibers")


def test_the_trainings_import_the_writer_and_third_party_packages_only():
    allowed = ("equivariance_zoo.training", "equivariance._files", "equivariance._printable")
    ours = {"equivariance", "se3unet", "equivariance_zoo"}
    for name, source in modules("equivariance_zoo.training").items():
        found = {other for other in imported_modules(source, name) if other.split(".")[0] in ours}
        assert not [other for other in found if not other.startswith(allowed)], name
