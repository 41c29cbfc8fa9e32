"""Renders a report as text, for terminals and log files.

`Report.__str__`, the command line and the pytest plugin call it. It prints nothing itself.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from equivariance._printable import printable
from equivariance._words import counted
from equivariance.findings import BROKEN, NOT_TESTED, Finding, LayerRow, Outcome, SymmetryVerdict
from equivariance.report.printable import printable_outcome
from equivariance.report.words import cause_words, expression_at, layer_words, symmetry_words

WIDTH = 118
_CallKey = tuple[str, int, str]
"""A layer path, the number of the call, and the class of the module."""
_STYLES = {
    "clean": "green", "rounding": "green", "grid": "green",
    "ill-conditioned": "yellow", "precision": "red", "structural": "bold red",
}  # fmt: skip


def to_text(report: Outcome) -> str:
    """Returns the report as plain text without colour, `WIDTH` columns wide."""
    return _render_plain(render(report))


def findings_text(report: Outcome) -> str:
    """Returns the headline, the findings and the assumptions as plain text, for the failure message of a test.

    Assumptions about inner layers are left out.
    """
    assumptions = [
        line
        for line in _assumption_lines(printable_outcome(report))
        if not line.plain.startswith("assumed: inner layers")
    ]
    return _render_plain(Group(render_findings(report), *assumptions))


def render(report: Outcome) -> RenderableType:
    """Renders the whole report for a rich console without markup."""
    report = printable_outcome(report)
    parts: list[RenderableType] = [_headline(report), _summary(report)]
    parts += [_finding(i, f) for i, f in enumerate(report.findings, 1)]
    if report.notes:
        parts += [
            Text("Notes: no break of the output, but worth knowing", style="bold"),
            *(_note(f) for f in report.notes),
            Text(""),
        ]
    if len({(r.layer, r.call) for r in report.layers}) > 1:
        parts.append(_layers(report))
    parts.append(_settings(report))
    return Group(*parts)


def render_findings(report: Outcome) -> RenderableType:
    """Renders the headline and the findings for a rich console without markup."""
    report = printable_outcome(report)
    return Group(_headline(report), Text(""), *(_finding(i, f) for i, f in enumerate(report.findings, 1)))


def side_by_side(reports: Sequence[Outcome], stages: Mapping[str, Mapping[str, tuple[str, ...]]]) -> RenderableType:
    """Renders a table of the largest error that each stage introduces, for each symmetry and network.

    Args:
        reports: The reports of the networks.
        stages: Report subject -> stage label -> paths of the layers.
    """
    table = Table(
        box=box.SIMPLE_HEAD,
        title="Side by side: the largest error that a stage introduces by itself",
        title_justify="left",
    )
    table.add_column("stage")
    tested = {row.symmetry for report in reports for row in report.layers}
    symmetries = [s for s in reports[0].symmetries if s in tested and all(s in r.symmetries for r in reports)]
    for symmetry in symmetries:
        for i, report in enumerate(reports):
            table.add_column(f"{symmetry if i == 0 else ''}\n{printable(report.subject)}", justify="right")
    labels = list(dict.fromkeys(label for r in reports for label in stages[r.subject]))
    for label in labels:
        cells = [_stage(r, s, stages[r.subject].get(label, ())) for s in symmetries for r in reports]
        table.add_row(printable(label), *cells)
    return table


def number(value: float) -> str:
    """Formats a number with two significant digits; an exact zero is "0", an infinity "inf"."""
    if value == 0:
        return "0"
    return "inf" if math.isinf(value) else f"{value:.1e}"


def _render_plain(what: RenderableType) -> str:
    return "\n".join(lines_of([what]))


def lines_of(pieces: Sequence[RenderableType]) -> list[str]:
    """Returns the lines of rendered pieces without colour. No line is a command of a continuous integration service."""
    buffer = io.StringIO()
    console = Console(
        file=buffer, width=WIDTH, color_system=None, highlight=False, emoji=False, markup=False, legacy_windows=False
    )
    for piece in pieces:
        console.print(piece)
    return [_no_command(line.rstrip()) for line in buffer.getvalue().splitlines()]


def _no_command(line: str) -> str:
    """Escapes the colon at the start of a line such as `::error file=x::text`, which GitHub would obey."""
    return line.replace("::", "\\x3a:", 1) if line.lstrip().startswith("::") else line


def _stage(report: Outcome, symmetry: str, layers: tuple[str, ...]) -> Text:
    rows = [r for r in report.layers if r.symmetry == symmetry and any(_is_within(r.layer, p) for p in layers)]
    if not rows:
        return Text("-", style="dim")
    top = max(rows, key=lambda r: (_rank(r.verdict), r.introduced))
    return Text(number(top.introduced), style=_STYLES[top.verdict])


def _is_within(layer: str, path: str) -> bool:
    return layer == path or (bool(path) and layer.startswith(path + "."))


def _rank(verdict: str) -> int:
    return list(_STYLES).index(verdict)


def _headline(report: Outcome) -> Text:
    """Renders the number of findings, and the symmetries that were tested and that were not."""
    words = counted(len(report.findings), "finding") if report.findings else "no finding"
    style = "bold red" if report.findings else "bold green"
    text = Text.assemble(
        (f"{report.subject}: {words}", style), f"; tested: {', '.join(report.symmetries) or 'nothing'}"
    )
    missing = [symmetry for symmetry, _ in report.untested]
    return text.append(f"; not tested: {', '.join(missing)}", style="yellow") if missing else text


def _summary(report: Outcome) -> RenderableType:
    """Renders the verdict on each symmetry, with the errors at the output and what the verdict rests on."""
    table = Table(box=box.SIMPLE_HEAD)
    working, main = report.settings.get("working precision", ""), report.settings.get("main precision", "")
    for name in ("output under", f"error, {main}", f"error, {working}", f"rounding floor, {working}", "verdict"):
        table.add_column(name, justify="left" if name in ("output under", "verdict") else "right")
    for verdict in report.verdicts:
        table.add_row(verdict.symmetry, *_output_errors(verdict), Text(verdict.words, style=_verdict_style(verdict)))
    remarks = [Text(f"{v.symmetry}: {remark}\n", style="yellow") for v in report.verdicts for remark in v.remarks]
    return Group(table, *remarks) if report.verdicts else Text("")


def _output_errors(verdict: SymmetryVerdict) -> tuple[str, str, str]:
    if verdict.verdict == NOT_TESTED:
        return "-", "-", "-"
    return number(verdict.error), number(verdict.tested_error), number(verdict.noise_floor)


def _verdict_style(verdict: SymmetryVerdict) -> str:
    if not verdict.claimed:
        return "dim"
    if verdict.verdict == BROKEN:
        return "bold red"
    return "yellow" if verdict.verdict == NOT_TESTED or verdict.doubts else "green"


def _name(layer: str) -> str:
    return layer or "(the whole)"


def _finding(index: int, finding: Finding) -> RenderableType:
    head = Text.assemble(
        (f"{index}. {symmetry_words(finding)}: ", "bold"), (cause_words(finding), "bold red"),
        " in ", (layer_words(finding), "bold"),
    )  # fmt: skip
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    grid.add_row("   at", Text("\n".join(map(printable, _place(finding)))))
    grid.add_row("   why", Text(finding.evidence))
    if finding.fix:
        grid.add_row("   fix", Text(finding.fix))
    grid.add_row("   error", _sizes(finding))
    if finding.counterexample is not None:
        grid.add_row("   replay", Text(f"group=equivariance.groups.{finding.counterexample!r}"))
    return Group(head, grid, Text(""))


def _place(finding: Finding) -> Iterator[str]:
    """Yields lines that say where the violation is: statement, expression, chain, other explanations."""
    location = finding.location
    if location is None:
        yield "no Python source"
        return
    yield f"{location}  {location.source}{'  (suspected)' if finding.located == 'suspect' else ''}"
    expression = expression_at(location)
    if expression:
        yield f"in {expression}"
    if finding.chain:
        yield f"through {finding.chain}"
    yield from (f"either this or {other}  {other.source}" for other in finding.alternatives)


def _sizes(finding: Finding) -> str:
    if finding.cause == "insensitive":
        return f"{finding.error:.0%} of the claimed response of {finding.part} is missing; {finding.state}"
    text = f"{number(finding.error)} at {finding.part or 'the output'}"
    text += f" (rounding: {number(finding.noise_floor)})" if finding.noise_floor else ""
    if finding.symmetry != "none":
        text += f"; by itself it moves the network's output by {number(finding.contributed)}"
    return text + (f"; {finding.state}" if finding.state else "")


def _note(finding: Finding) -> RenderableType:
    where = printable(f"  {finding.location}") if finding.location else ""
    head = Text.assemble(
        "- ", (cause_words(finding), "yellow"),
        f" in {layer_words(finding)} ({', '.join(finding.symmetries)}){where}",
    )  # fmt: skip
    return Group(head, Text(f"  {finding.evidence}", style="dim"))


def _layers(report: Outcome) -> RenderableType:
    table = Table(
        box=box.SIMPLE_HEAD,
        title="Layers: the error each introduces by itself, and (in brackets) the error accumulated at its output",
        title_justify="left",
    )
    table.add_column("layer", overflow="fold")
    table.add_column("class")
    symmetries = list(dict.fromkeys(r.symmetry for r in report.layers))
    for symmetry in symmetries:
        table.add_column(symmetry, justify="right")
    calls: dict[_CallKey, dict[str, LayerRow]] = {}
    for row in report.layers:
        calls.setdefault((row.layer, row.call, row.kind), {})[row.symmetry] = row
    shown = {layer for layer, _, _ in calls}
    for (layer, call, kind), rows in sorted(calls.items(), key=_tree_order(calls)):
        name = _branch(layer, shown) + (f" (call {call + 1})" if call else "")
        table.add_row(name, kind, *(_cell(rows.get(s)) for s in symmetries))
    if any(math.isinf(e) for row in report.layers for e in (row.introduced, row.accumulated)):
        table.caption = "inf: the result has another shape, is not finite, or is not zero where it should be"
        table.caption_justify = "left"
    return table


def _tree_order(calls: Collection[_CallKey]) -> Callable[[tuple[_CallKey, object]], list[int]]:
    """Returns a sort key for calls: a layer comes before the layers that it contains, else by order of execution."""
    shown, ran = {layer for layer, _, _ in calls}, dict[str, int]()
    for place, (layer, _, _) in enumerate(calls):
        for path in _lineage(layer, shown):
            ran.setdefault(path, place)
    return lambda item: [*(ran[path] for path in _lineage(item[0][0], shown)), -1, item[0][1]]


def _lineage(layer: str, shown: Collection[str]) -> list[str]:
    """Returns the paths of the layers that contain a layer, outermost first, and its own path; never the root."""
    names = layer.split(".")
    paths = (".".join(names[:count]) for count in range(1, len(names) + 1))
    return [path for path in paths if path and path in shown]


def _branch(layer: str, shown: Collection[str]) -> str:
    """Returns the path of a layer relative to the layer that contains it, indented by its depth."""
    *containing, _ = _lineage(layer, shown) or [""]
    name = layer.removeprefix(containing[-1] + ".") if containing else _name(layer)
    return "  " * len(containing) + name


def _cell(row: LayerRow | None) -> Text:
    if row is None:
        return Text("-", style="dim")
    return Text.assemble((number(row.introduced), _STYLES[row.verdict]), (f" ({number(row.accumulated)})", "dim"))


def _settings(report: Outcome) -> RenderableType:
    lines = [f"{k}: {v}" for k, v in report.settings.items()]
    return Group(Text("; ".join(lines), style="dim"), *_assumption_lines(report))


def _assumption_lines(report: Outcome) -> list[Text]:
    return [Text(f"assumed: {line}", style="yellow") for line in report.assumptions]
