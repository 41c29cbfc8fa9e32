"""The closed-form alignment: exact on similarities, equivariant, free of order, robust, with missing vertices."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import equivariance as eq
from equivariance.groups import Mirrors
from equivariance_zoo.cprfa.alignment import align

POINTS = eq.CartesianPoints(nodes=0, batch=None, dimensions=2)
ROWS = eq.Invariant(nodes=0, batch=None)
SEEDS, ANGLES = st.integers(0, 999), st.floats(-3.1, 3.1)
GIVES = {
    "fitted": POINTS,
    "rotation": eq.CartesianTensor((0,), nodes=None, batch=None, dimensions=2),
    "scale": eq.Invariant(nodes=None, batch=None, degree=1),
    "translation": eq.CartesianPoints(nodes=None, batch=None, dimensions=2),
    "trust": ROWS,
}


def turn(angle):
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


def seen(seed, angle=0.4, scale=1.3, count=60, outliers=0.0, noise=1.0):
    """Observed points, points of the model, observed vertices, outliers."""
    generator = torch.Generator().manual_seed(seed)
    model = 20 * torch.randn(count, 2, generator=generator, dtype=torch.float64)
    observed = scale * model @ turn(angle).T + torch.tensor([13.0, -7.0])
    observed += noise * torch.randn(count, 2, generator=generator, dtype=torch.float64)
    wrong = torch.rand(count, generator=generator) < outliers
    observed[wrong] = observed[torch.randperm(count, generator=generator)[: int(wrong.sum())]]
    return observed, model, torch.rand(count, generator=generator) > 0.3, wrong


def angle_of(similarity):
    return math.atan2(similarity.rotation[1, 0], similarity.rotation[0, 0])


def parameters(observed, model, there):
    found = align(observed, model, there)
    made = {name: getattr(found, name) for name in ("rotation", "scale", "translation", "trust")}
    return {"fitted": found.apply(model), **made}


@given(SEEDS, ANGLES, st.floats(0.05, 20))
def test_a_similarity_is_found_exactly(seed, angle, scale):
    observed, model, there, _ = seen(seed, angle, scale, noise=0.0)
    found = align(observed, model, there)
    assert (found.rotation - turn(angle)).abs().max() < 1e-12
    assert abs(float(found.scale) / scale - 1) < 1e-12
    assert (found.apply(model) - observed).abs().max() < 1e-10 * max(scale, 1)


@pytest.mark.parametrize("outliers", [0.0, 0.2])
def test_it_is_equivariant_under_similarities_and_free_of_order(outliers):
    observed, model, there, _ = seen(0, count=24, outliers=outliers)
    report = eq.check(
        parameters, (observed, model, there), (POINTS, ROWS, ROWS), GIVES,
        group=["translation", "so2", "scale", "permutation"],
    )  # fmt: skip
    assert report.ok, report
    assert report.complete, report


def test_a_mirror_is_refuted():
    """A mirror image is no similarity without reflection: the fit is another one."""
    observed, model, there, _ = seen(0, count=24)
    report = eq.check(parameters, (observed, model, there), (POINTS, ROWS, ROWS), GIVES, group=Mirrors(0))
    assert [v.verdict for v in report.verdicts] == ["broken"]


@given(SEEDS, ANGLES, st.floats(0.1, 10))
def test_parameters_compose_with_a_similarity_of_the_picture(seed, angle, scale):
    observed, model, there, _ = seen(seed, outliers=0.2)
    shift = torch.tensor([5.0, 70.0], dtype=torch.float64)
    before = align(observed, model, there)
    after = align(scale * observed @ turn(angle).T + shift, model, there)
    assert (after.rotation - turn(angle) @ before.rotation).abs().max() < 1e-11
    assert abs(float(after.scale / before.scale) / scale - 1) < 1e-11
    assert (after.translation - scale * turn(angle) @ before.translation - shift).abs().max() < 1e-9
    assert (after.trust - before.trust).abs().max() < 1e-10


@settings(max_examples=8)
@given(SEEDS, st.sampled_from([0.2, 0.4]))
def test_outliers_lose_their_weight(seed, outliers):
    observed, model, there, wrong = seen(seed, count=200, outliers=outliers)
    found = align(observed, model, there)
    assert abs(angle_of(found) - 0.4) < math.radians(2)
    assert abs(float(found.scale) / 1.3 - 1) < 0.05
    assert found.trust[wrong & there].median() < 0.1
    assert found.trust[~wrong & there].median() > 0.4


@pytest.mark.parametrize("filler", [float("nan"), float("inf"), 1e9])
def test_missing_vertices_are_ignored_whatever_they_hold(filler):
    observed, model, there, _ = seen(2)
    gone = torch.where(there[:, None], observed, filler)
    found, part = align(gone, model, there), align(observed[there], model[there], there[there])
    for name in ("rotation", "scale", "translation"):
        assert (getattr(found, name) - getattr(part, name)).abs().max() < 1e-12
    assert not found.trust[~there].any()


def test_samples_do_not_mix():
    cases = [seen(seed, angle=0.3 * seed) for seed in range(3)]
    whole = align(*(torch.stack([case[k] for case in cases]) for k in range(3)))
    for number, case in enumerate(cases):
        alone = align(*case[:3])
        assert (whole.rotation[number] - alone.rotation).abs().max() < 1e-12
        assert (whole.trust[number] - alone.trust).abs().max() < 1e-10


def test_vertices_at_one_place_and_float32():
    observed, model, there, _ = seen(4)
    observed[:5] = observed[0].clone()
    found = align(observed.float(), model.float(), there)
    assert found.rotation.dtype == torch.float32
    assert abs(angle_of(found) - 0.4) < math.radians(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o, m, t: (o[:-1], m, t), "observed, model, there: expected shapes"),
        (lambda o, m, t: (o, m, torch.zeros_like(t)), "there: expected vertices at two places"),
        (lambda o, m, t: (torch.ones_like(o), m, t), "there: expected vertices at two places"),
        (lambda o, m, t: (o * torch.nan, m, t), "observed: expected finite"),
        (lambda o, m, t: (o, m * torch.inf, t), "model: expected finite"),
    ],
)
def test_wrong_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        align(*change(*seen(0)[:3]))
