"""Packages that not everybody needs."""

from __future__ import annotations

import importlib
from typing import Any


def needed(module: str, purpose: str, extra: str) -> Any:
    """An optional package, imported.

    Raises:
        ImportError: it is not installed; the message says how to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f'{purpose}: {module} is needed: pip install "equivariance[{extra}]"') from error
