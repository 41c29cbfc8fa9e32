"""Imports one module of a repository without what its packages import beside it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType


def bare(*names: str) -> None:
    """Registers packages under ``names`` whose ``__init__`` does not run; their modules are imported as usual.

    Raises
    ------
    ModuleNotFoundError : no folder on ``sys.path`` has such a package
    """
    for name in names:
        parts = name.split(".")
        found = [folder for entry in sys.path if (folder := Path(entry, *parts)).is_dir()]
        if not found:
            raise ModuleNotFoundError(name)
        package = ModuleType(name)
        package.__path__ = [str(found[0])]
        sys.modules[name] = package
        if len(parts) > 1:
            setattr(sys.modules[".".join(parts[:-1])], parts[-1], package)


def empty(name: str, **members: object) -> None:
    """Registers a module that has these members only, for what is imported and not used."""
    module = ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module
