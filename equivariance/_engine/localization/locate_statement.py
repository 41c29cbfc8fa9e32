"""The statement inside a layer that breaks a symmetry, found by comparing recordings and proven by intervention.

The layer's own code is recorded on the reference inputs and on exactly transformed ones. The operations that made
something unlawful of lawful values are suspects, in their order, and are tried
(:mod:`equivariance._engine.localization.intervention`).
"""

from __future__ import annotations

from dataclasses import replace

from equivariance._engine.instrumentation.source_lines import Place, is_own
from equivariance._engine.instrumentation.testbed import Bench
from equivariance._engine.laws.candidates import Sizes
from equivariance._engine.laws.grid import known_grids
from equivariance._engine.localization.intervention import Statement, Tracer, error_at
from equivariance._engine.localization.recording import CallSite
from equivariance._engine.localization.suspects import Suspect
from equivariance._engine.measurement.survey import Surveyor
from equivariance._engine.measurement.survey_results import Trial
from equivariance.contracts.nested import leaves
from equivariance.groups.elements import Transform, permutation, samples
from equivariance.groups.sampling import Group


def located(bench: Bench, suspect: Suspect, tracer: Tracer) -> list[Statement]:
    """The statements at fault in a suspect's own code, the one with the largest error first."""
    found = tracer.in_frames()
    if any(s.place is None or not is_own(s.place) for s in found):
        call = _call_site(bench, suspect)
        found = [s if call is None or (s.place and is_own(s.place)) else replace(s, place=call) for s in found]
    return sorted(found, key=lambda s: s.error, reverse=True)


def tracer_of(surveyor: Surveyor, group: Group, suspect: Suspect) -> Tracer:
    """A tracer for a suspect, with elements that tell chance from law."""
    setting = surveyor.setting
    suspect = _with_full_batch(surveyor, suspect)
    more = [e for e in _more(surveyor, group) if _comparable(e, suspect.trial.element)]
    root = surveyor.bench.contracts[""]
    given = [leaf for k, v in surveyor.bench.arguments.items() for leaf in leaves(v, root.inputs.get(k))]
    segments = {r.concatenated.sizes for _, _, r in given if r.concatenated and r.concatenated.sizes}
    grids = None if setting.grid is None else known_grids(surveyor.bench.contracts)
    sizes = Sizes(setting.nodes, setting.samples, tuple(segments), grids)
    return Tracer(surveyor.bench, sizes, suspect, more, group.symmetry)


def _more(surveyor: Surveyor, group: Group) -> list[Transform]:
    """Further elements; of orders one that leaves no node in its place, of selections those of as many samples."""
    count, nodes = surveyor.setting.samples or 0, surveyor.setting.nodes or 0
    if group.symmetry == "batch" and count > 1:
        return [samples(range(count - 1, -1, -1), of=count), samples([count - 1] * count, of=count)]
    if group.symmetry == "permutation" and nodes > 1:
        return [permutation([*range(1, nodes), 0]), *group.draw(1, surveyor.seed + 1, surveyor.setting)]
    return list(group.draw(3, surveyor.seed + 1, surveyor.setting)[::2])


def _call_site(bench: Bench, suspect: Suspect) -> Place | None:
    """The statement of the reader's own that calls a library's layer."""
    handler = CallSite(suspect.owner)
    bench.run(suspect.trial.state, bench.main, bench.arguments, handler)
    return handler.place


def _with_full_batch(surveyor: Surveyor, suspect: Suspect) -> Suspect:
    """The suspect with as many samples in the transformed run as in the reference run, where that shows the break.

    Code that goes from sample to sample takes another course for fewer of them.
    """
    element = suspect.trial.element
    if element.samples is None or len(element.samples) == element.of:
        return suspect
    for repeated in (samples([i] * element.of, of=element.of) for i in range(element.of)):
        trial = Trial(repeated, suspect.trial.state)
        if error_at(surveyor.judged(trial, suspect.owner), suspect.site, suspect.key) > suspect.reading.limit:
            return replace(suspect, trial=trial)
    return suspect


def _comparable(element: Transform, other: Transform) -> bool:
    return element != other and len(element.samples or ()) == len(other.samples or ())
