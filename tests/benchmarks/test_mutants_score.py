"""The split, the choice, the answers that are kept, the scores and the page."""

import itertools

import pytest

from benchmarks.mutants.catalogue import CATALOGUE
from benchmarks.mutants.libraries import LIBRARIES
from benchmarks.mutants.plan import QUICK, chosen, merged, quick
from benchmarks.mutants.results import page as pages
from benchmarks.mutants.results.score import false_alarms, score, wilson
from benchmarks.mutants.split import PARTS, held_out, part
from benchmarks.mutants.store import Store

OLD, NEW = "capped", "sorted"


def test_the_split_is_the_parity_of_the_hash():
    assert [name for name in ("egnn-pytorch", "e3tools", "nequip", "schnetpack") if held_out(name)] == [
        "nequip",
        "schnetpack",
    ]
    assert not held_out(OLD)
    assert held_out(NEW)


def test_both_sides_have_libraries_and_operators():
    assert len(LIBRARIES) >= 12
    found = {part(library.name, operator.name) for library, operator in itertools.product(LIBRARIES, CATALOGUE)}
    assert found == set(PARTS)
    assert part("egnn-pytorch", NEW) == "old x new"
    assert part("nequip", OLD) == "new x old"


def site(line, operator=OLD, text="t"):
    return {"operator": operator, "file": "a.py", "place": [line, 0, line, 1], "text": text}


def test_each_site_is_listed_once_with_its_modules():
    found = merged({"A": [site(1), site(2)], "B": [site(2)]})
    assert [(s["place"][0], s["modules"]) for s in found] == [(1, ["A"]), (2, ["A", "B"])]


def test_seeds_choose_different_places_and_always_the_same():
    sites = merged({"A": [site(line) for line in range(1, 9)]})
    made = chosen("egnn-pytorch", sites, range(20))
    assert [c.seed for c in made] == list(range(8))
    assert {c.place[0] for c in made} == set(range(1, 9))
    assert made[3] == chosen("egnn-pytorch", sites, [3])[0]
    assert made[0].part == "old x old"


def test_quick_takes_sixty():
    sites = merged({"A": [site(line) for line in range(1, 99)]})
    assert len(quick(chosen("egnn-pytorch", sites, range(98)))) == QUICK == 60


def test_answers_are_kept_across_runs(tmp_path):
    Store(tmp_path, "one").put(["a", 1], {"x": 2})
    (tmp_path / "two.jsonl").write_text('{"key": "broken')
    assert Store(tmp_path, "three").get(["a", 1]) == {"x": 2}
    assert Store(tmp_path, "three").get(["a", 2]) is None


def finding(line=5, **more):
    return {"layer": "a", "layers": ["a"], "symmetries": ["rotation"], "cause": "component-mixing", "mechanism": "",
            "located": "confirmed", "error": 0.1, "evidence": "e", "file": "a.py", "line": line, "columns": None,
            "alternatives": [], **more}  # fmt: skip


def record(*findings, operator=OLD, answer=None, broken=("rotation",)):
    judged = {"status": "counted", "broken": list(broken), "errors": dict.fromkeys(broken, 0.1),
              "right": [["a.py", 4, 6]], "layers": ["a"], "lines": [4, 6]}  # fmt: skip
    given = {"seconds": 2.0, "passes": 30, "verdicts": [["rotation", "broken", True, 0.1, "broken"]],
             "findings": list(findings)}  # fmt: skip
    choice = {"library": "egnn-pytorch", "operator": operator, "seed": 0, "module": "EGNN", "file": "a.py",
              "place": [5, 4, 5, 9], "text": "t"}  # fmt: skip
    return {"choice": choice, "judged": judged, "answer": answer or {"answer": given}}


def test_a_right_answer():
    made = score(record(finding()))
    assert (made.verdict, made.layer, made.statement, made.any_statement) == (True, True, True, True)
    assert (made.confirmed, made.wrongly, made.either, made.findings, made.passes) == (True, (), False, 1, 30)


@pytest.mark.parametrize(("line", "right"), [(3, False), (4, True), (6, True), (7, False)])
def test_the_span_is_the_statement(line, right):
    assert score(record(finding(line))).statement is right
    assert score(record(finding(file="b.py"))).statement is False


def test_a_wrong_first_finding_and_a_right_second():
    made = score(record(finding(9, layer="b"), finding(5, located="suspect")))
    assert (made.layer, made.statement, made.any_statement, made.wrongly) == (False, False, True, (0,))


def test_a_wrong_second_finding_that_is_confirmed_counts_as_wrongly_confirmed():
    assert score(record(finding(), finding(9))).wrongly == (1,)
    assert score(record(finding(), finding(9, located="suspect"))).wrongly == ()


def test_either_a_or_b_counts_by_itself():
    other = finding(9, located="suspect", alternatives=[{"file": "a.py", "line": 5, "columns": None}])
    assert (score(record(other)).either, score(record(other)).statement) == (True, False)


def test_another_symmetry_is_no_verdict_and_edges_are_permutations():
    assert not score(record(finding(symmetries=["batch"]))).verdict
    assert score(record(finding(symmetries=["permutation"]), broken=("edges",))).verdict


def test_a_mechanism_counts_for_operators_that_have_one():
    assert score(record(finding())).mechanism is None
    assert score(record(finding(mechanism="component-order"), operator="components-in-another-order")).mechanism
    assert score(record(finding(), operator="components-in-another-order")).mechanism is False


@pytest.mark.parametrize("answer", [{"timeout": 150.0}, {"raised": "E"}, {"answer": {"raised": "E", "seconds": 1.0}}])
def test_no_answer_is_missed(answer):
    made = score(record(answer=answer))
    assert made.missed
    assert not made.verdict


def test_a_broken_verdict_without_a_finding_is_told():
    made = score(record())
    assert (made.told, made.verdict) == (True, False)


def control(*findings, error=0.0):
    said = {"seconds": 1.0, "passes": 3, "findings": list(findings), "verdicts": []}
    compared = {"answer": {"errors": {"rotation": error}}}
    return {"library": "l", "module": "m", "compared": compared, "answer": {"answer": said}}


def test_only_findings_that_plain_does_not_confirm_are_false_alarms():
    assert len(false_alarms(control(finding()), 1e-9)) == 1
    assert not false_alarms(control(finding(), error=0.1), 1e-9)
    assert not false_alarms(control(), 1e-9)


@pytest.mark.parametrize(("hits", "count", "low", "high"), [(0, 0, 0, 1), (10, 10, 0.722, 1), (5, 10, 0.237, 0.763)])
def test_wilson(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-3)


def test_the_page_shows_wrong_ones_in_full_and_no_source():
    equivalent = {**record(), "judged": {"status": "equivalent"}}
    text = pages.page([record(finding(9)), record(finding()), equivalent], [control()], "command")
    assert "1 equivalent" in text
    assert "confirmed a.py:9 in a: rotation, component-mixing" in text
    assert "egnn-pytorch, EGNN, capped, seed 0, a.py:5" in text
    assert "old x old" in text
    assert [line for line in pages.mistakes([record(finding(9)), record(finding())]) if "WRONGLY CONFIRMED" in line]
    assert len(pages.mistakes([record(finding())])) == 0
