"""Compares the output for doubled cells with the output for the cells, as a part of the symmetry "lattice".

`localizer` calls it. The network is run as a whole on doubled cells. Layers are not searched: the values between them
have other shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from equivariance._engine.diagnosis.output_finding import Top, output_finding, output_part
from equivariance._engine.diagnosis.padding import with_output
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.measurement.crystal_setting import with_laws
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import SurveyResult, Trial, WorstMeasurements
from equivariance._engine.measurement.verdict import Verdict
from equivariance.contracts.nested import leaves
from equivariance.errors import ArgumentError, TransformedInputError
from equivariance.findings import Finding
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.representations.base import Representation


@dataclass(frozen=True)
class Doubled:
    """The result for doubled cells.

    Attributes:
        result: The survey of the symmetry, with these errors at the output.
        findings: A finding if an output obeys no law.
        remarks: The law of each output, or why doubled cells were not tested.
    """

    result: SurveyResult
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()


def double_cells(
    survey: SymmetrySurvey, elements: Sequence[Transform], result: SurveyResult, allowed: Verdict
) -> Doubled:
    """Runs the network on doubled cells.

    Args:
        survey: Runs the network.
        elements: Elements that double cells; without any, nothing is run.
        result: The survey of the symmetry.
        allowed: The most severe verdict of a sound layer.
    """
    crystal = survey.runs.sizes.crystal if result.symmetry == Symmetry.LATTICE else None
    if not elements or crystal is None:
        fixed = "" if crystal is None or not crystal.fixed else crystal.fixed
        return Doubled(result, remarks=(f"a doubled cell is not tested: {fixed}",) if fixed else ())
    try:
        survey, laws = _with_laws(survey, elements[0])
        found = SurveyResult(result.symmetry)
        states = [state for state in survey.runs.runner.states if state.mode == "eval"]
        for trial in (Trial(element, state) for element in elements for state in states):
            found = survey.with_plain_run(found, trial)
    except (ArgumentError, TransformedInputError) as error:
        reason = f"the network raises {error.reason}" if isinstance(error, TransformedInputError) else str(error)
        return Doubled(result, remarks=(f"a doubled cell is not tested: {reason}",))
    top = found.accumulated.get(Site(ROOT), WorstMeasurements()).top
    if top is None:
        return Doubled(result)
    if top[1].verdict > allowed:
        return Doubled(with_output(result, found), (_finding(survey, top),))
    return Doubled(with_output(result, found), remarks=(f"with a doubled cell, {', '.join(laws)}",) if laws else ())


def _with_laws(survey: SymmetrySurvey, element: Transform) -> tuple[SymmetrySurvey, list[str]]:
    """Returns a survey in which the nearer law is declared for each output, and these laws in words.

    An output that lists no nodes and no edges may double, as an energy does, or stay, as a mean does.

    Raises:
        ArgumentError: If an output has another shape than the nodes of a doubled cell give it.
    """
    runner = survey.runs.runner
    contract = runner.contracts[""]
    state = next(state for state in runner.states if state.mode == "eval")
    before = runner.reference(state).outputs[ROOT]
    made = {path: t for path, t, _ in leaves(survey.runs.output(Trial(element, state)), contract.output, "output")}
    words, laws = [], dict[str, Representation]()
    for path, tensor, law in leaves(before, contract.output, "output"):
        kept, other = law.transform(tensor, element), made.get(path)
        if other is None or other.shape != kept.shape:
            found = "nothing" if other is None else list(other.shape)
            raise ArgumentError(path, found, f"{list(kept.shape)} for twice as many nodes")
        if kept.shape != tensor.shape or not tensor.is_floating_point():
            words.append(f"{path} repeats" if kept.shape != tensor.shape else f"{path} stays")
            continue
        grown = law.extensive
        if grown is None:
            near = [float((other - factor * tensor).double().norm()) for factor in (1, 2)]
            grown = near[1] < near[0]
        laws[path] = replace(law, extensive=grown)
        words.append(f"{path} {'doubles' if grown else 'stays'}")
    output = with_laws(before, contract.output, "output", laws)
    declared = runner.with_contracts({"": replace(contract, output=output)})
    return SymmetrySurvey(declared, survey.runs.sizes, survey.options, survey.observer), words


def _finding(survey: SymmetrySurvey, top: Top) -> Finding:
    """Returns the finding for an output that obeys no law under doubled cells."""
    (key, measurement, trial), runner = top, survey.runs.runner
    before = runner.reference(trial.state).outputs[ROOT]
    found = {path: (t, law) for path, t, law in leaves(before, runner.contracts[""].output)}
    tensor, law = found[key[0]]
    repeats = law.transform(tensor, trial.element).shape != tensor.shape
    wanted = "is not repeated for the copies" if repeats else "neither doubles nor stays"
    evidence = (
        f"{output_part(top)} {wanted} if the cell is doubled along lattice vector {trial.element.doubled}: the error "
        f"is {measurement.error:.2g}. Nodes that are moved by lattice vectors change nothing"
    )
    return output_finding(survey, top, "lattice", "supercell", evidence)
