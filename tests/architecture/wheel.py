"""Builds the wheel and imports all of it, once for a whole run of the tests."""

import json
import shutil
import subprocess
import sys
import time
import zipfile

from tests.architecture.sources import PACKAGES, ROOT

NESTED = "equivariance/report/data/deeper/still/nested.txt"
"""Data that only the built copy has: two folders below a folder of data."""

# Imports every module below a folder, twice: with all packages, and in a copy of the process without the optional ones.
_IMPORT_ALL = """
import importlib, importlib.metadata, json, os, sys, traceback, warnings
folder, optional = sys.argv[1], sys.argv[2].split(",")
sys.path.insert(0, folder)
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
warnings.simplefilter("ignore")
import e3nn.o3, numpy, rich.progress, scipy.spatial, torch, hypothesis

def outcome(action):
    try:
        return {"file": os.path.realpath(action())}
    except ImportError as error:
        return {"needs": error.name, "error": str(error), "traceback": traceback.format_exc()}
    except BaseException as error:
        return {"error": repr(error), "traceback": traceback.format_exc()}

def imported(name):
    return outcome(lambda: importlib.import_module(name).__file__)

def names():
    for where, _, files in os.walk(folder):
        for file in files:
            path = os.path.relpath(os.path.join(where, file), folder)
            if path.endswith(".py"):
                yield path[:-3].replace(os.sep, ".").removesuffix(".__init__")

def without_optional():
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        # Also what imports them by itself where they are installed: packages that are in use already stay.
        for name in optional:
            if not any(loaded.partition(".")[0] == name for loaded in sys.modules):
                sys.modules[name] = None
        with os.fdopen(write, "w") as pipe:
            json.dump({name: imported(name) for name in sorted(names())}, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found = json.load(pipe)
    os.wait()
    return found

bare = without_optional()
whole = {name: imported(name) for name in sorted(names())}
points = {}
for distribution in importlib.metadata.distributions(path=[folder]):
    for point in distribution.entry_points:
        load = lambda point=point: sys.modules[getattr(point.load(), "__module__", point.value)].__file__
        points[f"{point.group}: {point.name}"] = outcome(load)
json.dump({"whole": whole, "bare": bare, "points": points}, sys.stdout)
"""


def built(shared, mine):
    """The folder that the wheel is unpacked in; processes that share `shared` build it once.

    Args:
        shared: A folder of all processes of a run.
        mine: A folder of this process.
    """
    home = shared / "wheel"
    try:
        home.mkdir()
    except FileExistsError:
        while not (home / "done").exists():
            assert not (home / "failed").exists(), "another process could not build the wheel"
            time.sleep(0.2)
        return home / "unpacked"
    try:
        _build(home, mine)
    except BaseException:
        (home / "failed").touch()
        raise
    (home / "done").touch()
    return home / "unpacked"


def _build(home, mine):
    # A copy, so that the checkout gets no folder of its own builds, and none of an earlier one is shipped.
    source = mine / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / NESTED).parent.mkdir(parents=True)
    (source / NESTED).touch()
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run([*command, "-w", home, source], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "would be ignored" not in built.stdout + built.stderr
    (wheel,) = home.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(home / "unpacked")


def import_all(folder, optional):
    """Imports every module and every entry point below a folder, in a process that does not see the checkout.

    Returns:
        "whole": module -> {"file"} or {"error", "needs" for an ImportError}; "bare": the same without the packages
        `optional`; "points": the same for "group: name" of every entry point.
    """
    command = [sys.executable, "-I", "-c", _IMPORT_ALL, str(folder), ",".join(optional)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
