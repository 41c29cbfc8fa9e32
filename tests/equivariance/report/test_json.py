"""The JSON report: what it holds, and that it is what the shipped schema says."""

import copy
import json
import math
from dataclasses import replace

import jsonschema
import pytest

import equivariance as eq
from equivariance.cause_catalogue import CAUSES
from equivariance.findings import Curve, Finding, LayerRow, Location
from equivariance.groups import SYMMETRIES
from equivariance.groups.elements import rotation
from equivariance.report.json import SCHEMA_VERSION, schema, to_json
from equivariance.report.report import Report
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal
from tests.equivariance.helpers.verdicts import verdicts

FULL = Finding(
    layer="layers.1",
    symmetry="rotation",
    cause="component-mixing",
    evidence="x and y are mixed",
    part="output (1x1o)",
    location=Location("net.py", 12, "return x + 1", (12, 16)),
    error=math.inf,
    noise_floor=1e-16,
    contributed=0.5,
    counterexample=rotation([0, 0, 1]),
    state="given weights, eval mode",
    located="confirmed",
    fix="Act on norms.",
    curves=(Curve("angle", (0.1, 1.0), (1e-3, math.inf)),),
    node_errors=(0.1, 0.2),
    layers=("layers.1", "layers.3"),
    symmetries=("rotation", "inversion"),
    mechanism="component-order",
    chain="layers.1.inner at net.py:3",
)
ROW = LayerRow("", 0, "Net", "rotation", 1.0, 0.0, 0.0, 1e-7, 0.0, 1.0, math.nan, "clean", "output")
REPORT = Report(
    subject="net",
    verdicts=verdicts(broken=["rotation"], unclaimed={"inversion": math.inf}, untested={"batch": "no samples"}),
    findings=[FULL],
    notes=[Finding("", "none", "nondeterministic", "draws random numbers")],
    layers=[ROW],
    assumptions=["the first axis lists the nodes"],
    settings={"samples": "8"},
    cloud=((0.0, 0.0, 0.0),),
)


def closed(node):
    """The schema with no room for fields that it does not describe."""
    if isinstance(node, list):
        return [closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    inner = {key: closed(value) for key, value in node.items()}
    return {"additionalProperties": False, **inner} if "properties" in node else inner


def validate(text):
    jsonschema.Draft202012Validator(closed(schema())).validate(json.loads(text))


def test_the_schema_is_a_schema():
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["schema_version"] == {"const": SCHEMA_VERSION}
    assert schema()["$id"].endswith(f":{SCHEMA_VERSION}")


def test_the_schema_lists_the_causes_and_symmetries():
    assert tuple(schema()["$defs"]["cause"]["enum"]) == CAUSES
    assert set(schema()["$defs"]["symmetry"]["anyOf"][0]["enum"]) == {*SYMMETRIES, "none"}


def test_every_field_of_a_report_is_described():
    validate(to_json([REPORT]))
    validate(to_json([]))


def test_reports_of_real_networks_fit():
    module, x = Stack(Scale(), Mix()), normal(6, 4, 3)
    report = eq.diagnose(module, x, "1x1o", "1x1o", group=["e3", "permutation", "batch"], samples=2)
    assert not report.ok
    validate(report.to_json())


def test_other_explanations_are_places():
    other = replace(FULL, located="suspect", alternatives=(Location("other.py", 3, "y = f(x)"),))
    text = to_json([replace(REPORT, findings=[other])])
    validate(text)
    (finding,) = json.loads(text)["reports"][0]["findings"]
    assert finding["alternatives"] == [{"file": "other.py", "line": 3, "source": "y = f(x)", "columns": None}]


def test_what_is_a_picture_is_left_out():
    (report,) = json.loads(to_json([REPORT]))["reports"]
    assert "cloud" not in report
    assert "node_errors" not in report["findings"][0]


def test_the_values_are_those_of_the_finding():
    (finding,) = json.loads(to_json([REPORT]))["reports"][0]["findings"]
    assert finding["location"] == {"file": "net.py", "line": 12, "source": "return x + 1", "columns": [12, 16]}
    assert (finding["layers"], finding["symmetries"]) == (["layers.1", "layers.3"], ["rotation", "inversion"])
    assert (finding["mechanism"], finding["chain"]) == ("component-order", "layers.1.inner at net.py:3")
    assert (finding["located"], finding["fix"]) == ("confirmed", "Act on norms.")
    assert finding["curves"] == [{"over": "angle", "values": [0.1, 1.0], "errors": [0.001, "inf"]}]
    assert finding["error"] == "inf"
    assert eval(finding["counterexample"], vars(eq.groups)) == FULL.counterexample


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.pop("findings"),
        lambda r: r["findings"][0].update(cause="bad luck"),
        lambda r: r["findings"][0].update(error="large"),
        lambda r: r["findings"][0].update(error=-1.0),
        lambda r: r["findings"][0].update(located="somewhere"),
        lambda r: r["findings"][0]["location"].update(line=0),
        lambda r: r["layers"][0].update(verdict="fine"),
        lambda r: r["verdicts"][0].update(symmetry="left and right"),
        lambda r: r["findings"][0].update(surprise=1),
    ],
)
def test_the_schema_can_say_no(change):
    body = json.loads(to_json([REPORT]))
    change(body["reports"][0])
    with pytest.raises(jsonschema.ValidationError):
        validate(json.dumps(body))


def test_readers_of_an_older_package_are_not_bothered_by_new_fields():
    body = json.loads(to_json([REPORT]))
    newer = copy.deepcopy(body)
    newer["reports"][0]["findings"][0]["surprise"] = 1
    jsonschema.Draft202012Validator(schema()).validate(newer)
