"""The distribution: what is installed, what is pinned, and what the README and continuous integration agree on."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.sources import PACKAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


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


def test_the_installed_distribution_carries_its_data():
    kept = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    data = [path.relative_to(ROOT).as_posix() for path in kept if path.suffix not in {".py", ".pyc"}]
    assert {"equivariance_zoo/faces/data/sample.npz", "equivariance/py.typed"} <= set(data)
    # Isolated: the checkout is not on the path, so this sees what pip installed.
    code = "import sys, pathlib, se3unet; home = pathlib.Path(se3unet.__file__).parents[1]\n"
    code += "print(*(name for name in sys.argv[1:] if not (home / name).is_file()))"
    result = subprocess.run([sys.executable, "-I", "-c", code, *data], capture_output=True, text=True, check=True)
    assert not result.stdout.split()


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
