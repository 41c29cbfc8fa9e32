"""Inside of the harness each package imports only what stands before it, and the public packages no private one."""

import ast

import pytest

from tests.architecture.sources import ROOT, imported_modules, module_of, sources

# Rooms of one row do not import each other.
FLOORS = (
    ("_files", "_printable"),
    ("errors", "_deadline", "_words", "_ranking", "_torch_private", "cause_catalogue"),
    ("groups", "_process_state"),
    ("findings", "representations"),
    ("progress", "_progress_bar", "report", "contracts"),
    ("settings",),
    ("subject",),
    ("_engine.instrumentation", "_engine.laws", "adapters"),
    ("_engine.measurement",),
    ("_engine.localization",),
    ("_engine.causes", "_engine.inference"),
    ("_engine.diagnosis",),
    ("api",),
    ("strategies", "lightning"),
    ("cli", "pytest_plugin"),
    ("__main__", "diagnose"),
)
FLOOR = {f"equivariance.{room}": number for number, rooms in enumerate(FLOORS) for room in rooms}
# They start the engine; all other public modules import public ones only.
MAY_IMPORT_THE_ENGINE = {"equivariance.api", "equivariance.cli", "equivariance.pytest_plugin", "equivariance.lightning"}
MOST_MODULES = 20


def room_of(module):
    rooms = [room for room in FLOOR if module == room or module.startswith(room + ".")]
    return max(rooms, key=len, default="")


def wrong(module, source):
    """The imports of a module that go up, aside, or from a public package into the engine."""
    room = room_of(module)
    found = []
    for name in sorted(imported_modules(source, module)):
        other = room_of(name)
        if not other or other == room:
            continue
        private = "._engine." in other and "._engine." not in room and room not in MAY_IMPORT_THE_ENGINE
        if FLOOR[other] >= FLOOR[room] or private:
            found.append(f"{module} imports {name}")
    return found


def modules():
    return {module_of(path): path.read_text() for path in sources("equivariance")}


def circles(arrows):
    """The modules that import each other in a circle, and those that import them."""
    left = dict(arrows)
    while ends := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in ends}
    return sorted(left)


def test_every_module_stands_on_a_floor():
    names = modules().keys() - {"equivariance", "equivariance._engine"}
    assert not [name for name in names if not room_of(name)]
    assert not [room for room in FLOOR if not any(room_of(name) == room for name in names)]


def test_each_package_imports_only_what_stands_before_it():
    assert not [line for name, source in modules().items() if room_of(name) for line in wrong(name, source)]


def test_no_modules_import_each_other_in_a_circle():
    found = modules()

    def module(name):
        return name if name in found else name.rpartition(".")[0]

    # The face of the package imports a name at its first use only.
    arrows = {
        name: {module(other) for other in imported_modules(source, name)} & found.keys() - {name, "equivariance"}
        for name, source in found.items()
    }
    assert circles(arrows) == []


def test_a_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("equivariance.groups.named", "from equivariance.representations import Irreps"),
        ("equivariance._engine.laws.grid", "import equivariance._engine.measurement.verdict"),
        ("equivariance._engine.laws.grid", "from equivariance._engine.instrumentation.tape import Tape"),
        ("equivariance.contracts.inputs", "from equivariance._engine.laws.grid import anything"),
        ("equivariance.strategies", "from equivariance._engine.measurement.survey import anything"),
        (
            "equivariance._engine.causes.grid",
            "if TYPE_CHECKING:\n    from equivariance._engine.diagnosis import examine",
        ),
    ],
)
def test_what_the_order_forbids_is_seen(module, source):
    assert wrong(module, source)


def test_no_folder_is_crowded():
    folders = [path.parent for path in sources("equivariance", "se3unet", "equivariance_zoo", "benchmarks")]
    crowded = {folder.relative_to(ROOT).as_posix(): folders.count(folder) for folder in set(folders)}
    assert not {name: count for name, count in crowded.items() if count > MOST_MODULES}


def test_every_package_of_the_engine_says_what_it_is_in_five_to_ten_lines():
    for path in sources("equivariance"):
        if path.name == "__init__.py" and path.parent.name not in ("equivariance", "html", "adapters"):
            text = ast.get_docstring(ast.parse(path.read_text())) or ""
            assert 4 <= len(text.splitlines()) <= 10, path
