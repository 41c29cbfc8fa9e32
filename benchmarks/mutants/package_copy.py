"""Makes a copy of an installed package in which some files are changed. The installed files stay as they are."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


def folder_of(package: str) -> Path:
    """Returns the folder of an installed package, without an import of it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(package)
    return Path(next(iter(spec.submodule_search_locations)))


@contextmanager
def changed_package(package: str, sources: Mapping[str, str]) -> Iterator[Path]:
    """Puts a copy of the package first on `sys.path` and yields its folder.

    Unchanged files are links. The changed files are files of their own, so that tracebacks, `inspect` and `linecache`
    show the changed source. The package must not have been imported before.

    Args:
        package: The name that Python imports.
        sources: The path of each changed file, from the folder of the package, to its source.
    """
    if package in sys.modules:
        raise RuntimeError(f"{package} is imported already")
    installed = folder_of(package)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / package
        for path in installed.rglob("*"):
            if not path.is_dir():
                link = copy / path.relative_to(installed)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
        for name, source in sources.items():
            (copy / name).unlink()
            (copy / name).write_text(source)
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            yield copy
        finally:
            sys.path.remove(folder)
