"""The command line on the small subjects."""

import json

from equivariance.cli.main import main
from tests.equivariance.helpers.subjects import MODULE

QUICK = ["--samples", "2"]


def run(capsys, subject, *options):
    """Exit code, standard output and standard error."""
    code = main(["--subject", f"{MODULE}:{subject}", *QUICK, *map(str, options)])
    return code, *capsys.readouterr()


def as_json(capsys, subject, *options):
    """The report as JSON holds it."""
    _, out, _ = run(capsys, subject, "--format", "json", *options)
    (report,) = json.loads(out)["reports"]
    return report
