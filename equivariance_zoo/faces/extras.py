"""Packages that not everybody needs."""

import importlib
from typing import Any


def needed(module: str, purpose: str, extra: str) -> Any:
    """An optional package, imported.

    Raises:
        ImportError: it is not installed, or a library that it needs is not; the message says how to get it.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise ImportError(f'{purpose}: {module} is needed ({error}): pip install "equivariance[{extra}]"') from error
