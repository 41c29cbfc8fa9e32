"""The statement of the reader's own source that is running, library frames skipped."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import linecache
import os
import re
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch

from equivariance._torch_private import BACKWARD_ENTRY
from equivariance.contracts.callables import FunctionModule, ScriptedModule
from equivariance.findings import Location

LIBRARIES = (
    "torch", "e3nn", "opt_einsum", "opt_einsum_fx", "numpy", "scipy", "dgl", "torch_geometric", "torch_scatter",
    "torch_sparse", "torch_cluster", "escnn", "lightning", "pytorch_lightning", "functorch",
)  # fmt: skip
"""Packages that a statement is not looked for in, unless the layer itself is one of theirs."""


_GENERATED = re.compile(r"_(propagate|edge_updater)_\w+\.py$")
"""Files that PyTorch Geometric writes for its message passing."""


_MODES = str(Path(__file__).with_name("precision.py"))
"""What operations of the layer pass through."""


class SourceLine(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    @property
    def source(self) -> str:
        """The text of the line."""
        return linecache.getline(self.file, self.line).strip()


def places_of(frame: FrameType | None) -> tuple[SourceLine, ...]:
    """The statements outside of libraries that are running, the innermost first.

    Where there is none, the innermost one of a library other than torch; where there is no Python source, nothing.
    """
    found, library = [], None
    while frame is not None and _kind(frame.f_code.co_filename) == "harness":
        frame = frame.f_back
    while frame is not None:
        kind = _kind(frame.f_code.co_filename)
        if kind == "harness":
            break
        if kind == "own":
            found.append(SourceLine(frame.f_code.co_filename, frame.f_lineno))
        elif kind == "library" and library is None:
            library = SourceLine(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return tuple(found) if found or library is None else (library,)


def differentiates(frame: FrameType | None) -> bool:
    """Whether autograd's engine runs what `frame` asks for, with no Python of anyone else's in between.

    On CUDA the engine has threads of its own, where nothing calls.
    """
    while frame is not None and _kind(frame.f_code.co_filename) in ("harness", "torch"):
        if frame.f_code.co_name == BACKWARD_ENTRY:
            return True
        frame = frame.f_back
    return frame is None


def is_own(place: SourceLine) -> bool:
    """Whether a statement stands outside of libraries."""
    return _kind(place.file) == "own"


@lru_cache(maxsize=4096)
def _kind(file: str) -> str:
    """Whose code it is: own, library, torch (with Python itself and code without a file) or harness."""
    typed = file in linecache.cache and not file.startswith("<eval_with_key>")  # cells of a notebook
    if not typed and (file.startswith("<") or not os.path.isfile(file)):
        return "torch"
    if file == _MODES:
        return "torch"
    folders = _folders()
    if file.startswith(folders["harness"]):
        return "harness"
    if any(file.startswith(f) for f in folders["torch"]):
        return "torch"
    if any(file.startswith(f) for f in folders["library"]) or _GENERATED.search(file):
        return "library"
    standard = file.startswith(folders["python"]) and not any(p in file for p in ("site-packages", "dist-packages"))
    return "torch" if standard else "own"


@lru_cache(maxsize=1)
def _folders() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {
        "harness": (_home(__name__.partition(".")[0]),),
        "python": (sysconfig.get_path("stdlib") + os.sep,),
    }
    homes = {name: _home(name) for name in LIBRARIES}
    found["torch"] = tuple(homes[name] for name in ("torch", "functorch") if homes[name])
    found["library"] = tuple(home for name, home in homes.items() if home and name not in ("torch", "functorch"))
    return found


def _home(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return ""
    return str(Path(spec.origin).parent) + os.sep


def location_of(module: torch.nn.Module, layer: str) -> Location | None:
    """The `forward` of a submodule: file, line of its `def` and that line; None without Python source."""
    target = module.get_submodule(layer)
    if isinstance(target, ScriptedModule):
        return None
    function = getattr(target, "function", None) if isinstance(target, FunctionModule) else type(target).forward
    return source_of(function)


def source_of(function: Any) -> Location | None:
    """The first line of a function's definition, decorators skipped; None for code that no file holds."""
    function = _written(function)
    try:
        lines, start = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function)
    except (TypeError, OSError):
        return None
    if file is None or file.startswith("<"):
        return None
    offset = next((i for i, line in enumerate(lines) if line.lstrip().startswith(("def ", "async def "))), 0)
    return Location(_relative(file), start + offset, lines[offset].strip())


def location_at(file: str, line: int) -> Location:
    """A line of a file."""
    return Location(_relative(file), line, linecache.getline(file, line).strip())


def _written(function: Any) -> Any:
    """The function behind decorators, partial applications and objects that can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    if callable(function) and not inspect.isroutine(function) and not isinstance(function, type):
        function = type(function).__call__
    return inspect.unwrap(function) if callable(function) else function


def _relative(file: str) -> str:
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
