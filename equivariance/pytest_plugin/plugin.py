"""The hooks of the pytest plugin: the fixture `eq_check`, the marker `equivariant`, options and a summary.

pytest calls the hooks. The plugin is installed with the package; PyTorch is imported by the first examination, so that
other test runs stay fast. The report formats are in `equivariance.report`.
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
from equivariance.pytest_plugin.profiles import PROFILES, load_hypothesis, reject_example
from equivariance.pytest_plugin.results import Result, pack, properties, summary, unpack, write_page

if TYPE_CHECKING:
    from equivariance.report.report import Report

_ATTRIBUTE = "equivariance"
"""Name of the attribute of a test report that holds the results. pytest-xdist sends attributes to the main process."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options, in their own group."""
    add = parser.getgroup("equivariance", "equivariance of networks").addoption
    add("--equivariance-report", metavar="PATH.html", help="write the reports of all examinations to one page")
    add(
        "--equivariance-samples",
        metavar="N",
        type=_count,
        help="elements per symmetry, where a test does not say itself; default: the profile's, else 8",
    )
    add(
        "--equivariance-strict",
        action="store_true",
        help="fail also on symmetries that apply to the inputs and were not tested",
    )
    choices = "; ".join(f"{name}: {p.samples} and {p.examples}" for name, p in PROFILES.items())
    add(
        "--equivariance-profile",
        choices=list(PROFILES),
        help=f"elements per symmetry, and Hypothesis' examples per test: {choices}",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, rejects a page that cannot be written, and loads the Hypothesis profile."""
    config.addinivalue_line("markers", DESCRIPTION)
    profile = config.getoption("--equivariance-profile")
    if profile is not None:
        load_hypothesis(profile, config.getoption("--hypothesis-profile", default=None))
    samples = config.getoption("--equivariance-samples") or (PROFILES[profile].samples if profile else None)
    given = config.getoption("--equivariance-report")
    page = None if given is None else _page_path(config, given)
    strict = config.getoption("--equivariance-strict")
    config.pluginmanager.register(Examinations(samples, page, strict), Examinations.NAME)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Returns the profile and the number of samples that the options set; None if they set none."""
    samples, profile = _examinations(config).samples, config.getoption("--equivariance-profile")
    if samples is None:
        return None
    return f"equivariance: {f'profile {profile}, ' if profile else ''}{samples} elements per symmetry"


@pytest.fixture(scope="session")
def eq_check(pytestconfig: pytest.Config) -> Callable[..., Report]:
    """Diagnoses a network and returns the report.

    The test fails if there are findings, or if a symmetry that `group` names was not tested. Under Hypothesis, an
    example for which the output is zero, and not zero for inputs near it, is rejected: it proves nothing.

    It takes the arguments of `equivariance.diagnose`. A test may call it several times, also under Hypothesis' @given.
    """
    examinations = _examinations(pytestconfig)

    def eq_check(*args: Any, **kwargs: Any) -> Report:
        __tracebackhide__ = True
        report = examinations.examine(*args, **kwargs)
        if report.degenerate and examinations.under_hypothesis:
            reject_example()
        if report.failures(examinations.strict):
            raise EquivarianceAssertionError(_text(report, examinations.strict))
        return report

    return eq_check


class Examinations:
    """The hooks of one test run, and the results of its tests.

    Invariants:
        - Between two tests `_reports` is empty: the hook of the test report takes the reports of the test.
        - Under Hypothesis, `_reports` holds only the last example.
        - `results` has one entry per test and phase; if a test runs again, its last results remain.
        - The page is written by the main process only.

    Attributes:
        samples: Elements per symmetry; None for the default of `diagnose`.
        page: The path of the HTML page; None if there is none.
        strict: True to fail on every claimed symmetry that was not tested.
        under_hypothesis: True while Hypothesis runs the examples of a test.
        failure: The error message if the page could not be written, else an empty string.
        results: (node id, phase) -> the results of the test.
    """

    NAME = "equivariance-examinations"

    def __init__(self, samples: int | None, page: Path | None, strict: bool = False) -> None:
        """Creates the hooks of one test run, without results."""
        self.samples: int | None = samples
        self.page: Path | None = page
        self.strict: bool = strict
        self.failure: str = ""
        self.results: dict[tuple[str, str], list[Result]] = {}
        self._reports: list[Report] = []
        self.under_hypothesis = False

    def examine(self, *args: Any, **kwargs: Any) -> Report:
        """Calls `equivariance.diagnose` and stores the report for the running test."""
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
        except ArgumentError as error:  # an argument of the test is wrong: a traceback into the harness does not help
            raise error.with_traceback(None) from None
        if self.under_hypothesis:
            # Hypothesis calls this once per example; its last example is the shrunk one.
            self._reports.clear()
        self._reports.append(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Fails a marked test that pytest did not call itself, for example a method of a TestCase."""
        __tracebackhide__ = True
        self.under_hypothesis, marked = is_given(item), options_of(item) is not None
        try:
            result = yield
        finally:
            self.under_hypothesis = False
        if marked and not self._reports:
            refuse("pytest did not call the test: expected a function, or a method of a class that is no TestCase")
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Examines the network that a marked test returns."""
        __tracebackhide__ = True
        options = options_of(pyfuncitem)
        if options is None:
            return (yield)
        function = pyfuncitem.obj

        def examine_result(**values: Any) -> None:
            __tracebackhide__ = True
            self._examine_network(function(**values), options)

        pyfuncitem.obj = examine_result
        try:
            return (yield)
        finally:
            pyfuncitem.obj = function

    def _examine_network(self, returned: object, options: dict[str, Any]) -> None:
        __tracebackhide__ = True
        from equivariance.api import diagnose

        module, args = network_of(returned, options)
        others = {name: value for name, value in options.items() if name != "args"}
        check_options(diagnose, others)
        try:
            report = self.examine(module, args, **others)
        except ArgumentError as error:
            refuse(str(error))
        if report.failures(self.strict):
            fail_with(_text(report, self.strict))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Adds the results to the test report: properties for JUnit, the rest for the summary and the page."""
        reports, self._reports = self._reports, []
        item.user_properties += properties(reports)
        result = yield
        if reports:
            vars(result)[_ATTRIBUTE] = pack(reports, whole=self.page is not None)
            _shorten(result)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Stores the results of a test; if the test runs again, the last results remain."""
        found = vars(report).get(_ATTRIBUTE, [])
        if found:
            self.results[report.nodeid, report.when] = unpack(report.nodeid, found)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Writes the page, in the main process."""
        if self.page is None or not self.results or _is_worker(session.config):
            return
        try:
            write_page(self.page, self._all_results())
        except ArgumentError as error:
            self.failure = str(error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Writes a section if something was examined or a page was requested."""
        if not self.results and self.page is None:
            return
        terminalreporter.section("equivariance")
        for line in summary(self._all_results()) if self.results else ():
            terminalreporter.line(line)
        if self.page is not None:
            written = f"report: {self.page}" if self.results else f"nothing was examined: {self.page} was not written"
            terminalreporter.line(self.failure or written, red=bool(self.failure))

    def _all_results(self) -> list[Result]:
        return [result for results in self.results.values() for result in results]


def _examinations(config: pytest.Config) -> Examinations:
    plugin = config.pluginmanager.get_plugin(Examinations.NAME)
    assert isinstance(plugin, Examinations)
    return plugin


def _is_worker(config: pytest.Config) -> bool:
    """True if this process runs tests for another one, under pytest-xdist."""
    return getattr(config, "workerinput", None) is not None


def _shorten(report: pytest.TestReport) -> None:
    """Keeps the first line for pytest's short summary: on CI the summary would repeat the whole message."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = crash.message.partition("\n")[0]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return int(text)


def _page_path(config: pytest.Config, given: str) -> Path:
    """Returns the path of the page and creates its folder, as pytest does for `--junitxml`.

    Raises:
        pytest.UsageError: If the page cannot be written.
    """
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


def _text(report: Report, strict: bool) -> str:
    from equivariance.report.text import findings_text

    words = [] if report.findings else [f"failed: {why}" for why in report.failures(strict)]
    return "\n".join([findings_text(report), *words])
