"""Metrics: their formulas, what changes them, and their limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equivariance_zoo.cprfa import metrics

SEEDS = st.integers(0, 999)


def faces(seed, count=4):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(count, 68, 2)) * 20
    return true + rng.normal(size=true.shape), true, rng


@given(SEEDS, st.floats(0.1, 10))
def test_nme_ignores_shifts_scale_and_mirrors_of_both(seed, scale):
    predicted, true, rng = faces(seed)
    error, shift = metrics.nme(predicted, true), rng.normal(size=2) * 50
    for factor in (scale, np.array([-scale, scale])):
        np.testing.assert_allclose(metrics.nme(factor * predicted + shift, factor * true + shift), error, rtol=1e-9)


@given(SEEDS)
def test_nme_of_a_common_offset_is_its_length_over_the_box(seed):
    _, true, _ = faces(seed)
    width, height = np.moveaxis(np.ptp(true, axis=1), -1, 0)
    np.testing.assert_allclose(metrics.nme(true + np.array([3.0, 4.0]), true), 500 / np.sqrt(width * height), rtol=1e-9)
    assert (metrics.nme(true, true) == 0).all()


@given(SEEDS)
def test_what_is_not_detected_is_ignored(seed):
    predicted, true, rng = faces(seed)
    found = rng.random(true.shape[:2]) < 0.5
    found[0] = True
    noisy = np.where(found[..., None], predicted, np.nan)
    errors = metrics.vertex_nme(noisy, true, found, true)
    np.testing.assert_allclose(errors[0], metrics.nme(predicted[0], true[0]))
    np.testing.assert_allclose(errors, metrics.vertex_nme(predicted, true, found, true))


def test_without_a_detected_vertex_there_is_no_error():
    predicted, true, _ = faces(0)
    found = np.zeros(true.shape[:2], dtype=bool)
    assert np.isnan(metrics.vertex_nme(predicted, true, found, true)).all()
    assert (metrics.detection_rate(found) == 0).all()


@given(SEEDS)
def test_the_detection_rate_is_a_share(seed):
    found = np.random.default_rng(seed).random((3, 512)) < 0.4
    rate = metrics.detection_rate(found)
    np.testing.assert_allclose(rate + metrics.detection_rate(~found), 100)


def test_the_paper_counts_50_of_512_vertices_as_a_failure():
    rate = metrics.detection_rate(np.arange(512) < 50)
    assert round(float(rate), 1) == 9.8
    assert metrics.failed(0.0, rate)
    assert metrics.failed([10.0, 10.1, np.nan]).tolist() == [False, True, True]
    assert metrics.failed(1.0, [10.0, 9.9, np.nan]).tolist() == [False, True, True]


def test_bands_of_yaw_are_those_of_the_table():
    found = metrics.by_yaw([3.0, 3.24, 3.62, 5.0, 5.8], [-30, 0, -30.01, 60.1, 90])
    assert found.means == pytest.approx((3.12, 3.62, 5.40))
    # Its columns Mean and Std, from the row of CPRFA on AFLW2000-3D.
    assert (round(found.mean, 2), round(found.deviation, 2)) == (4.05, 1.20)


@given(SEEDS)
def test_bands_do_not_depend_on_the_sign_of_yaw_or_the_order(seed):
    rng = np.random.default_rng(seed)
    values, yaw, order = rng.random(30), np.linspace(-90, 90, 30), rng.permutation(30)
    ours, other = metrics.by_yaw(values, yaw), metrics.by_yaw(values[order], -yaw[order])
    assert ours.means == pytest.approx(other.means)


def test_a_band_without_faces_has_no_mean():
    assert np.isnan(metrics.by_yaw([1.0], [0.0]).means[1:]).all()


@given(SEEDS)
def test_the_error_curve_rises_from_0_to_1(seed):
    errors = np.random.default_rng(seed).random(20) * 10
    curve = metrics.error_curve(errors, [-1.0, *np.sort(errors)])
    np.testing.assert_allclose(curve, np.arange(21) / 20)
    assert metrics.error_curve([*errors, np.nan], [100.0]) == pytest.approx([20 / 21])


@given(SEEDS, st.floats(0, 3))
def test_the_rotation_error_is_the_angle_between(seed, angle):
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(seed)
    true, axis = Rotation.random(2, rng=rng), rng.normal(size=3)
    turned = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis)) * true
    error = metrics.rotation_error(turned.as_matrix(), true.as_matrix())
    np.testing.assert_allclose(error, np.degrees(angle), atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: metrics.nme(np.zeros((68, 2)), np.zeros((68, 2))), "true: expected points with a box"),
        (lambda: metrics.nme(np.zeros((68, 2)), np.zeros((51, 2))), "predicted, true"),
        (lambda: metrics.vertex_nme(*np.ones((2, 5, 2)), [True], np.eye(2)), "detected"),
        (lambda: metrics.by_yaw([1.0], [91.0]), "yaw"),
        (lambda: metrics.by_yaw([1.0], [1.0, 2.0]), "values, yaw"),
        (lambda: metrics.error_curve([], [1.0]), "errors"),
    ],
)
def test_wrong_input_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
