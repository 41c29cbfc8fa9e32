"""Imports optional packages. If a package is missing, the error says how to install it."""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_log(name: str) -> Iterator[None]:
    """Silences the loggers of a package, which would print tracebacks of errors that the caller handles."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


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
