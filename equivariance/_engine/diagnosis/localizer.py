"""Which layer introduces the error, how much of it reaches the output, and the smallest element that shows it."""

from __future__ import annotations

from dataclasses import replace

from equivariance._engine.causes.error_curves import cloud_of, curves_of, node_errors
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explain import explain
from equivariance._engine.causes.explanation import after_others, in_local_frame
from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.perturbations import RestoredRun, with_leaf
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.source_lines import location_at, location_of
from equivariance._engine.localization.suspects import SuspectLayer, suspect_layers
from equivariance._engine.localization.violations import Violation, parts_of, violations_of
from equivariance._engine.measurement.relative_error import PartKey, compare, part_name, worst
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import Trial, WorstMeasurements
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance._ranking import exceeds, largest, ordered
from equivariance.cause_catalogue import remedy
from equivariance.findings import Finding, LayerRow, Location
from equivariance.groups.elements import Transform
from equivariance.groups.sampling import Group

_CLEAR = 3.0
"""A shrunk counterexample must exceed the rounding limit by this factor."""


class Localizer:
    """Turns the survey of one symmetry into rows, findings and notes."""

    def __init__(self, surveyor: SymmetrySurvey, group: Group, inside: bool = True) -> None:
        """Survey the symmetry; `inside` layers at fault, look for the statement."""
        self.surveyor, self.group, self.bench, self.inside = surveyor, group, surveyor.bench, inside
        self.survey = surveyor.survey(group)
        same = self.bench.tested_dtype == self.bench.reference_dtype
        self.allowed = Verdict.ILL_CONDITIONED if same else Verdict.PRECISION
        self.suspects = suspect_layers(self.survey, self.allowed)
        self.contributions = {s.layer: self._contributed(s) for s in self.suspects}
        self._reach()
        self._show()

    def rows(self) -> list[LayerRow]:
        """One row per call."""
        module, rows = self.bench.module(self.bench.states[0], self.bench.reference_dtype), []
        for reached_site, place in self.survey.accumulated.items():
            call = reached_site.call
            own = WorstMeasurements()
            for site, found in self.survey.introduced.items():
                if self.survey.owners[site] == call:
                    for key, (reading, trial) in found.parts().items():
                        own.add((f"{site.name}{key[0]}", key[1]), reading, trial)
            top, reached = own.top, place.top
            reading = top[1] if top else Measurement(0, 0, 1, 0, 0, 1)
            rows.append(
                LayerRow(
                    layer=call.layer,
                    call=call.number,
                    kind=type(module.get_submodule(call.layer)).__name__,
                    symmetry=self.group.symmetry,
                    accumulated=reached[1].error if reached else 0.0,
                    introduced=reading.error,
                    contributed=self.contributions.get(call.layer, 0.0) if reading.verdict > self.allowed else 0.0,
                    noise_floor=_largest(own, "tested_floor"),
                    working=_largest(own, "tested_error"),
                    reached_working=_largest(place, "tested_error"),
                    reached_floor=_largest(place, "tested_floor"),
                    verdict=str(reading.verdict),
                    part=part_name(top[0]) if top else "",
                )
            )
        order = {call: i for i, call in enumerate(self.bench.reference(self.bench.states[0]).inputs)}
        return sorted(rows, key=lambda r: order.get(LayerCall(r.layer, r.call), len(order)))

    def findings(self) -> tuple[list[Finding], list[Finding]]:
        """Breaks that reach the output, and breaks that later layers cancel."""
        findings: list[Finding] = []
        notes: list[Finding] = []
        root = self.survey.root.top
        limit = root[1].rounding if root else 0.0  # what grids leave open is no part of what one break contributes
        for suspect in self.suspects:
            for made in self._made(suspect):
                (findings if made.contributed > limit else notes).append(made)
        if root and root[1].verdict > self.allowed and not findings and not self._by_rounding(root):
            findings.append(self._unexplained(root))
        return ordered(findings, lambda f: f.contributed, descending=True), notes

    def ties_and_conditions(self) -> list[Finding]:
        """Selections that flip on rounding, ill-conditioned layers, and float64 that is no better than float32."""
        notes: dict[tuple[str, str], Finding] = {}
        for site, place in self.survey.introduced.items():
            layer = self.survey.owners[site].layer
            for key, (reading, trial) in place.parts().items():
                cause, text = _remark(reading, site.name + part_name(key))
                if cause and not exceeds(notes.get((layer, cause), _NOTHING).error, reading.tested_error):
                    notes[layer, cause] = Finding(
                        layer, self.group.symmetry, cause, text, part_name(key), self._location(layer),
                        reading.tested_error, reading.tested_floor, 0.0, trial.element, str(trial.state),
                        fix=remedy(cause),
                    )  # fmt: skip
        return list(notes.values())

    def _reach(self) -> None:
        """What is worst in a layer may be put right later under that very element: look at the one the output shows."""
        root = self.survey.root.top
        if root is None or root[1].verdict <= self.allowed:
            return
        for index, suspect in enumerate(self.suspects):
            if self.contributions[suspect.layer] <= root[1].rounding:
                shown = self._under(suspect, root[2])
                contributed = 0.0 if shown is None else self._contributed(shown)
                if shown is not None and contributed > root[1].rounding:
                    self.suspects[index], self.contributions[suspect.layer] = shown, contributed

    def _under(self, suspect: SuspectLayer, trial: Trial) -> SuspectLayer | None:
        """The suspect at the part that is worst under another trial; None where nothing of it breaks then."""
        found = []
        for part in parts_of(self.survey, suspect, self.allowed):
            error = self.surveyor.judged(trial, part.owner).errors.get(part.site, {}).get(part.key)
            if error is not None and error.relative > part.reading.tolerance:
                found.append(replace(part, reading=replace(part.reading, error=error.relative), trial=trial))
        return largest(found, lambda s: s.reading.error) if found else None

    def _show(self) -> None:
        """Accumulated errors are those of some trials, which may not be the one that shows a break: run that too."""
        root = self.survey.root.top
        if root is None or root[1].verdict > self.allowed or not self.suspects:
            return
        suspect = largest(self.suspects, lambda s: self.contributions[s.layer])
        if self.contributions[suspect.layer] > root[1].rounding:
            self.surveyor.accumulate(suspect.trial, self.survey)

    def _made(self, suspect: SuspectLayer) -> list[Finding]:
        """One finding for each thing that a layer breaks; those that only repeat another are left out."""
        breaks = [Violation(suspect)]
        if self.inside:
            breaks = violations_of(self.surveyor, self.group, parts_of(self.survey, suspect, self.allowed))
        return [self._finding(b, self._share(b, suspect, len(breaks))) for b in breaks]

    def _share(self, found: Violation, suspect: SuspectLayer, count: int) -> float:
        """What one of several breaks of a layer causes at the network's output."""
        if count == 1:
            return self.contributions[suspect.layer]
        if found.healing or not suspect.layer:
            return found.suspect.reading.error
        return self._contributed(found.suspect, alone=True)

    def _finding(self, found: Violation, contributed: float) -> Finding:
        """With the cause, from experiments in which nothing else is broken."""
        suspect, statement = found.suspect, found.statement
        experiment = Experiment(self.surveyor, suspect, found.healing, found.operations)
        element = self._shrunk(suspect, experiment)
        explanation = explain(experiment, self.group.symmetry, suspect, element)
        if statement and statement.frame:
            explanation = in_local_frame(explanation, statement.frame)
        if found.before:
            explanation = after_others(explanation, found.before)
        cloud = cloud_of(self.bench.arguments, self.bench.contracts[""], self.surveyor.setting.nodes)
        layer = suspect.layer or (statement.layer if statement else "")
        place = statement.place if statement else None
        return Finding(
            layer=layer,
            symmetry=self.group.symmetry,
            cause=explanation.cause,
            evidence=explanation.evidence,
            part=suspect.part,
            location=location_at(place.file, place.line) if place else self._location(layer),
            located="layer" if place is None else "confirmed" if statement and statement.confirmed else "suspect",
            error=suspect.reading.error,
            noise_floor=max(suspect.reading.rounding_floor, suspect.reading.epsilon),
            contributed=contributed,
            counterexample=element,
            state=str(suspect.trial.state),
            fix=explanation.fix,
            curves=curves_of(experiment, self.group.symmetry),
            node_errors=node_errors(experiment, len(cloud)),
        )

    def _by_rounding(self, root: tuple[PartKey, Measurement, Trial]) -> bool:
        """Whether rounding that runs through the network moves its output as far."""
        key, reading, trial = root
        return self.surveyor.doubted(reading, trial, None, Site(ROOT), key).verdict <= self.allowed

    def _unexplained(self, root: tuple[PartKey, Measurement, Trial]) -> Finding:
        key, reading, trial = root
        text = "the output breaks although every declared layer keeps its law: something passes between layers unseen"
        if self.suspects:
            text = "the output breaks, and no layer does it by itself: what several layers break acts together"
        return Finding(
            "", self.group.symmetry, "unknown", text, part_name(key), self._location(""), reading.error,
            reading.rounding_floor, reading.error, trial.element, str(trial.state),
        )  # fmt: skip

    def _location(self, layer: str) -> Location | None:
        return location_of(self.bench.module(self.bench.states[0], self.bench.reference_dtype), layer)

    def _contributed(self, suspect: SuspectLayer, alone: bool = False) -> float:
        """The output's error when every other suspect is repaired: what this break causes by itself.

        `alone`: where everything else that the layer itself breaks is repaired too.
        """
        trial, reference = suspect.trial, self.bench.reference(suspect.trial.state)
        own = {x for x in suspect.sites if alone and reference.has(x)}
        others = own | {x for s in self.suspects if s.layer != suspect.layer for x in s.sites if reference.has(x)}
        made = {x: self.surveyor.judged(trial, self.survey.owners[x]).kept.get(x) for x in others}
        exact = {x: reference.expected(x, trial.element, self.bench.reference_dtype) for x in others}
        if alone and made.get(suspect.site) is not None:
            exact[suspect.site] = with_leaf(exact[suspect.site], made[suspect.site], suspect.key[0])
        deviations = {x: (made[x], exact[x]) for x in others if made[x] is not None}
        inputs, site = self.surveyor.inputs(trial.element), Site(ROOT)
        try:
            output = self.bench.run(trial.state, self.bench.reference_dtype, inputs, RestoredRun(deviations))
        except (RuntimeError, ValueError, IndexError):  # repaired values do not fit the shapes that this break leads to
            output = self.bench.run(trial.state, self.bench.reference_dtype, inputs)
        expected = reference.expected(site, trial.element, self.bench.reference_dtype)
        return worst(compare(output, expected, reference.spec(site), trial.element))[1].relative

    def _shrunk(self, suspect: SuspectLayer, experiment: Experiment) -> Transform:
        """The first of the group's simple elements that still shows the break, else the sampled one."""
        for element in self.group.simplest(self.surveyor.setting):
            clear = experiment.outcome(element).error > _CLEAR * suspect.reading.tolerance
            if clear and not experiment.respects(element):
                return element
        return suspect.trial.element


_NOTHING = Finding("", "", "", "", error=-1.0)


def _largest(place: WorstMeasurements, name: str) -> float:
    """The largest value over all parts: the worst in the main precision need not be the worst in the working one."""
    return max((getattr(reading, name) for reading, _ in place.parts().values()), default=0.0)


def _remark(reading: Measurement, place: str) -> tuple[str, str]:
    if reading.is_tie:
        share = f"{reading.tested_error:.2g} of the entries differ" if reading.discrete else (
            f"jumps by {reading.tested_floor:.2g}"
        )  # fmt: skip
        return (
            "discrete-tie",
            f"{place}: {share} under rounding alone, while the law holds in float64: a selection flips",
        )
    if reading.verdict == Verdict.ILL_CONDITIONED:
        return "ill-conditioned", f"{place}: rounding is amplified, condition number {reading.condition:.1g}"
    if reading.plateaus:
        return "precision", f"{place}: float64 stalls at {reading.error:.1g}, as with a constant rounded to float32"
    return "", ""
