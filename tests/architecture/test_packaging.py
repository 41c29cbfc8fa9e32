"""The distribution: what is installed, what is pinned, and what the README and continuous integration agree on."""

import os
import re
import tomllib
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.sources import PACKAGES, ROOT
from tests.architecture.wheel import NESTED, built, import_all

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Packages of the extras that modules import, by the names of the imports.
OPTIONAL = (
    *("anny", "dgl", "escnn", "gemmi", "lightning", "matplotlib", "nequip", "numba", "open3d", "PIL", "pytest"),
    *("safetensors", "tensorboard", "torch_geometric", "trimesh"),
)


def pins():
    lines = (line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in (line.split("==") for line in lines)}


def test_every_requirement_is_pinned_within_its_range():
    extras = PROJECT["optional-dependencies"]
    texts = [*PROJECT["dependencies"], *(text for extra in extras.values() for text in extra)]
    wanted = [requirement for requirement in map(Requirement, texts) if requirement.name != PROJECT["name"]]
    assert len(wanted) > 15
    pinned = pins()
    assert not [str(want) for want in wanted if pinned[canonicalize_name(want.name)] not in want.specifier]


def test_every_pin_installs_on_the_python_of_debian_12():
    pinned = pins()
    wanted = {
        dist.name: dist.metadata["Requires-Python"]
        for dist in distributions()
        if pinned.get(canonicalize_name(dist.name)) == Version(Version(dist.version).public)
    }
    assert wanted
    assert not [
        f"{name} {python}" for name, python in wanted.items() if python and "3.11.2" not in SpecifierSet(python)
    ]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The folder that the wheel of this checkout is unpacked in."""
    mine = tmp_path_factory.mktemp("packaging")
    base = tmp_path_factory.getbasetemp()
    return built(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base, mine)


@pytest.fixture(scope="session")
def imports(wheel):
    return import_all(wheel, OPTIONAL)


def shipped(suffix=""):
    """The files of the packages, but for what Python and Numba write."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob(f"*{suffix}") if path.is_file()]
    return {path.relative_to(ROOT).as_posix() for path in found if path.parent.name != "__pycache__"}


@pytest.mark.slow
def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    names = shipped()
    assert {
        "equivariance_zoo/faces/data/sample.npz",
        "equivariance/py.typed",
        "equivariance/report/schema.json",
    } <= names
    inside = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    assert names | {NESTED} == {name for name in inside if ".dist-info/" not in name}
    assert not [name for name in names if (wheel / name).read_bytes() != (ROOT / name).read_bytes()]


def test_the_wheel_has_the_licenses_of_code_and_data(wheel):
    (folder,) = wheel.glob("*.dist-info/licenses")
    for name in PROJECT["license-files"]:
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()


def modules():
    return {name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in shipped(".py")}


@pytest.mark.slow
def test_every_module_is_imported_from_the_wheel(wheel, imports):
    found = imports["whole"]
    assert set(found) == modules()
    refused = found.pop("equivariance.diagnose")
    assert "equivariance.cli.main" in refused["error"]
    missing = {name for name in OPTIONAL if find_spec(name) is None}
    failed = {name: result for name, result in found.items() if "file" not in result}
    assert not {name: result for name, result in failed.items() if not needs_only(result, missing)}
    outside = {name for name, result in found.items() if not Path(result.get("file", wheel)).is_relative_to(wheel)}
    assert not outside


def needs_only(result, packages):
    """True if an import failed for want of one of the packages, which the error names, as a module or an extra."""
    found = re.search(r"needs the package (\w+)|equivariance\[(\w+)\]", result["error"])
    named = next(filter(None, found.groups())) if found else (result.get("needs") or "").partition(".")[0]
    return named in packages


def test_without_the_optional_packages_modules_fail_with_their_names_only(imports):
    found = imports["bare"]
    found.pop("equivariance.diagnose", None)
    failed = {name: result for name, result in found.items() if "file" not in result}
    assert not {name: result["error"] for name, result in failed.items() if not needs_only(result, OPTIONAL)}
    assert "needs the package lightning" in failed["equivariance.lightning"]["error"]
    assert "file" in found["equivariance.api"]


def test_every_entry_point_loads_from_the_wheel(wheel, imports):
    points = imports["points"]
    assert set(points) == {
        "console_scripts: equivariance",
        "pytest11: equivariance",
        *(f"equivariance.subjects: {name}" for name in PROJECT["entry-points"]["equivariance.subjects"]),
    }
    assert not {name: point for name, point in points.items() if not Path(point.get("file", "")).is_relative_to(wheel)}


def test_the_command_is_the_command_line():
    assert PROJECT["scripts"] == {"equivariance": "equivariance.cli.main:run_as_command"}


def test_continuous_integration_runs_the_commands_of_the_readme():
    heading = re.search('^heading="(.*)"$', (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert heading
    block = re.search(
        f"^{re.escape(heading[1])}\n.*?^```[a-z]*\n(.*?)^```",
        (ROOT / "README.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    assert block, f"README.md: no fenced block under {heading[1]}"
    assert re.search(r"pip install tox && tox -e equivariance\b", block[1])
    assert re.search(r"^tox -e tests\b", block[1], re.MULTILINE)
