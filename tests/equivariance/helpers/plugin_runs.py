"""Runs of pytest in test suites of users, for the tests of the plugin."""

from importlib.metadata import entry_points

INSTALLED = any(point.value == "equivariance.pytest_plugin" for point in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "equivariance.pytest_plugin")
# Dash, which Open3D brings, has a plugin that warns.
OPTIONS = (*PLUGIN, "-p", "no:cacheprovider", "-p", "no:dash", "-W", "error")

HEAD = """
import pytest
from equivariance import Report, strategies
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal

X = normal(6, 3, 3)
LAWS = {"group": "so3", "irreps_in": "1x1o", "irreps_out": "1x1o"}
laws = pytest.mark.equivariant(**LAWS)
"""
SOUND = "@laws\ndef test_sound():\n    return Stack(Scale(3), Scale(3)), X\n"
BROKEN = "@laws\ndef test_broken():\n    return Stack(Scale(3), Mix()), X\n"


def run(pytester, body, *options):
    pytester.makepyfile(HEAD + body)
    return pytester.runpytest_inprocess(*OPTIONS, "--equivariance-samples=2", *options)


def run_apart(pytester, body, *options):
    """In processes of their own, as pytest-xdist's workers are."""
    pytester.makepyfile(HEAD + body)
    return pytester.runpytest_subprocess(*OPTIONS, "--equivariance-samples=2", *options)


def text_of(result):
    return "\n".join(result.outlines)
