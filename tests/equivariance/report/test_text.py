"""The text of a report: the table of the layers."""

from equivariance.report.report import Report
from equivariance.report.text import to_text
from tests.equivariance.helpers.html_page import row
from tests.equivariance.helpers.verdicts import verdicts


def layers_of(*rows):
    """The column of the layers, as it is printed."""
    lines = to_text(Report("a network", verdicts("rotation"), layers=list(rows))).splitlines()
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["layer", "class"]) + 2
    return [line.partition("Linear")[0].rstrip()[2:] for line in lines[start:] if "Linear" in line]


def test_layers_stand_below_the_one_that_contains_them_wherever_they_were_called():
    ran = ("", "graph", "pool.0.sample", "down.0", "down.0.mix", "pool.0", "pool.0.sum", "down.1")
    assert layers_of(*map(row, ran)) == [
        "(the whole)", "graph", "pool.0", "  sample", "  sum", "down.0", "  mix", "down.1",
    ]  # fmt: skip


def test_calls_of_a_layer_stand_together_in_their_order():
    calls = [row("mix"), row("mix.norm"), row("mix", call=1), row("mix.norm", call=1), row("head")]
    assert layers_of(*calls) == ["mix", "mix (call 2)", "  norm", "  norm (call 2)", "head"]
