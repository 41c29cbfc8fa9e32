"""The versions that a page of results was made with."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def made_with(packages: Iterable[str], *conditions: str) -> str:
    """Python, the versions of ``packages``, the kind of processor, and the conditions, as in "Made by ... with ..."."""
    return ", ".join([f"Python {platform.python_version()}", *map(_version, packages), platform.machine(), *conditions])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"
