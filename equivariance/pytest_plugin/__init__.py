"""The pytest plugin: the marker `equivariance`, Hypothesis profiles, and results in the summary.

pytest loads this package by its entry point in every run, so its import stays light. The hooks are in `plugin`; the
marker's arguments, the profiles and the kept results have modules of their own. No other package imports this one.
"""

from equivariance.pytest_plugin.plugin import eq_check, pytest_addoption, pytest_configure, pytest_report_header

__all__ = ["eq_check", "pytest_addoption", "pytest_configure", "pytest_report_header"]
