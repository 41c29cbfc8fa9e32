"""Fixtures of more than one package's tests."""

import pytest

from tests.equivariance.helpers.browser import Browser


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium; those who ask for it are marked `browser` and skipped where there is none."""
    with Browser() as opened:
        yield opened
