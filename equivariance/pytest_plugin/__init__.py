"""The pytest plugin: the marker `equivariant`, the fixture `eq_check`, Hypothesis profiles, and results in the summary.

pytest loads this package by its entry point in every run; therefore it does not import PyTorch. `plugin` has the hooks,
`marker` the arguments of the marker, `profiles` the profiles, and `results` the kept results.

It calls `equivariance.diagnose` and `equivariance.report`. No other package imports this one.
"""

from equivariance.pytest_plugin.plugin import eq_check, pytest_addoption, pytest_configure, pytest_report_header

__all__ = ["eq_check", "pytest_addoption", "pytest_configure", "pytest_report_header"]
