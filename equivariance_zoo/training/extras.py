"""Imports optional packages. If a package is missing, the error says how to install it."""

import importlib
from typing import Any


def import_extra(module: str, purpose: str, extra: str) -> Any:
    """Returns an optional package, imported.

    Args:
        module: Dotted name of the package.
        purpose: Purpose of the package, for the message.
        extra: The extra of this distribution that installs it.

    Raises:
        ImportError: If the package, or a library that it loads, is not installed. The message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise ImportError(f'{purpose}: {module} is needed ({error}): pip install "equivariance[{extra}]"') from error
