"""The pytest plugin: the fixture `eq_check`, the marker `equivariant`, options and a summary.

It is installed with the package and costs nothing where it is not used: PyTorch is imported by the first examination.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from equivariance.errors import ArgumentError, EquivarianceAssertionError
from equivariance.pytest_plugin.marker import (
    DESCRIPTION,
    check_options,
    fail_with,
    is_given,
    network_of,
    options_of,
    refuse,
)
from equivariance.pytest_plugin.profiles import PROFILES, load_hypothesis
from equivariance.pytest_plugin.results import Result, packed, properties, summary, unpacked, write_page

if TYPE_CHECKING:
    from equivariance.report.report import Report

_ATTRIBUTE = "equivariance"
"""Where a test report carries what was found: pytest-xdist takes attributes from its workers along."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    add = parser.getgroup("equivariance", "equivariance of networks").addoption
    add("--equivariance-report", metavar="PATH.html", help="write the reports of all examinations to one page")
    add(
        "--equivariance-samples",
        metavar="N",
        type=_count,
        help="elements per symmetry, where a test does not say itself; default: the profile's, else 8",
    )
    told = "; ".join(f"{name}: {p.samples} and {p.examples}" for name, p in PROFILES.items())
    add(
        "--equivariance-profile",
        choices=list(PROFILES),
        help=f"elements per symmetry, and Hypothesis' examples per test: {told}",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker, refuse a page that cannot be written, set Hypothesis up."""
    config.addinivalue_line("markers", DESCRIPTION)
    profile = config.getoption("--equivariance-profile")
    if profile is not None:
        load_hypothesis(profile, config.getoption("--hypothesis-profile", default=None))
    samples = config.getoption("--equivariance-samples") or (PROFILES[profile].samples if profile else None)
    given = config.getoption("--equivariance-report")
    page = None if given is None else _page(config, given)
    config.pluginmanager.register(Examinations(samples, page), Examinations.NAME)


def pytest_report_header(config: pytest.Config) -> str | None:
    """What was asked for."""
    samples, profile = _examinations(config).samples, config.getoption("--equivariance-profile")
    if samples is None:
        return None
    return f"equivariance: {f'profile {profile}, ' if profile else ''}{samples} elements per symmetry"


@pytest.fixture(scope="session")
def eq_check(pytestconfig: pytest.Config) -> Callable[..., Report]:
    """Diagnose a network, fail where it has findings, return the report; takes what `equivariance.diagnose` takes.

    May be called several times in a test, and under Hypothesis' @given.
    """
    examinations = _examinations(pytestconfig)

    def eq_check(*args: Any, **kwargs: Any) -> Report:
        __tracebackhide__ = True
        report = examinations.examine(*args, **kwargs)
        if not report.ok:
            raise EquivarianceAssertionError(_text(report))
        return report

    return eq_check


class Examinations:
    """The hooks of one run, and what its tests found."""

    NAME = "equivariance-examinations"

    def __init__(self, samples: int | None, page: Path | None) -> None:
        """`samples` per symmetry, None for what `diagnose` takes by default; `page`: where the reports go."""
        self.samples, self.page, self.failure = samples, page, ""
        self.results: dict[tuple[str, str], list[Result]] = {}
        self._reports: list[Report] = []
        self._under_hypothesis = False

    def examine(self, *args: Any, **kwargs: Any) -> Report:
        """`equivariance.diagnose`, remembered for the test that runs."""
        __tracebackhide__ = True
        from equivariance.api import diagnose
        from equivariance.errors import ArgumentError

        try:
            bound = inspect.signature(diagnose).bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"eq_check takes what equivariance.diagnose takes: {error}") from None
        if self.samples is not None:
            bound.arguments.setdefault("samples", self.samples)
        try:
            report = diagnose(*bound.args, **bound.kwargs)
        except ArgumentError as error:  # what the test gave is wrong: of no use is where that was noticed
            raise error.with_traceback(None) from None
        if self._under_hypothesis:
            # One call per example; the last is the one that Hypothesis has shrunk to.
            self._reports.clear()
        self._reports.append(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """See to it that a marked test is examined: unittest's are called by unittest."""
        __tracebackhide__ = True
        self._under_hypothesis, marked = is_given(item), options_of(item) is not None
        try:
            result = yield
        finally:
            self._under_hypothesis = False
        if marked and not self._reports:
            refuse("pytest did not call the test: expected a function, or a method of a class that is no TestCase")
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Examine what a marked test returns."""
        __tracebackhide__ = True
        options = options_of(pyfuncitem)
        if options is None:
            return (yield)
        function = pyfuncitem.obj

        def judged(**values: Any) -> None:
            __tracebackhide__ = True
            self._judge(function(**values), options)

        pyfuncitem.obj = judged
        try:
            return (yield)
        finally:
            pyfuncitem.obj = function

    def _judge(self, returned: object, options: dict[str, Any]) -> None:
        __tracebackhide__ = True
        from equivariance.api import diagnose

        module, args = network_of(returned, options)
        others = {name: value for name, value in options.items() if name != "args"}
        check_options(diagnose, others)
        try:
            report = self.examine(module, args, **others)
        except ArgumentError as error:
            refuse(str(error))
        if not report.ok:
            fail_with(_text(report))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give what was found to the test report: properties for JUnit, the rest for the summary and the page."""
        reports, self._reports = self._reports, []
        item.user_properties += properties(reports)
        result = yield
        if reports:
            vars(result)[_ATTRIBUTE] = packed(reports, whole=self.page is not None)
            _shorten(result)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test found; of a test that is run again the last."""
        found = vars(report).get(_ATTRIBUTE, [])
        if found:
            self.results[report.nodeid, report.when] = unpacked(report.nodeid, found)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page, in the controlling process."""
        if self.page is None or not self.results or _is_worker(session.config):
            return
        try:
            write_page(self.page, self._everything())
        except ArgumentError as error:
            self.failure = str(error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """A section of its own, where anything was examined or a page was asked for."""
        if not self.results and self.page is None:
            return
        terminalreporter.section("equivariance")
        for line in summary(self._everything()) if self.results else ():
            terminalreporter.line(line)
        if self.page is not None:
            written = f"report: {self.page}" if self.results else f"nothing was examined: {self.page} was not written"
            terminalreporter.line(self.failure or written, red=bool(self.failure))

    def _everything(self) -> list[Result]:
        return [result for results in self.results.values() for result in results]


def _examinations(config: pytest.Config) -> Examinations:
    plugin = config.pluginmanager.get_plugin(Examinations.NAME)
    assert isinstance(plugin, Examinations)
    return plugin


def _is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one, under pytest-xdist."""
    return getattr(config, "workerinput", None) is not None


def _shorten(report: pytest.TestReport) -> None:
    """Leave one line for pytest's short summary: on CI it prints the whole message, which stands above it already."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = crash.message.partition("\n")[0]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return int(text)


def _page(config: pytest.Config, given: str) -> Path:
    """The page's path; its folder is made, as that of `--junitxml` is."""
    from equivariance.report.files import check_writable

    path = config.invocation_params.dir / Path(given).expanduser()
    try:
        if path.suffix not in (".html", ".htm"):
            raise ArgumentError("output", given, "a name that ends in .html")
        path.parent.mkdir(parents=True, exist_ok=True)
        check_writable(path)
    except (ArgumentError, OSError) as error:
        expected = error.expected if isinstance(error, ArgumentError) else f"a folder that can be made ({error})"
        raise pytest.UsageError(f"--equivariance-report={given}: expected {expected}") from error
    return path


def _text(report: Report) -> str:
    from equivariance.report.text import findings_text

    return findings_text(report)
