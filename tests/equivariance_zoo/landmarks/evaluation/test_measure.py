import pytest
import torch

from equivariance_zoo.faces.conditions import under_condition
from equivariance_zoo.landmarks.evaluation import THRESHOLDS, Evaluated, Evaluation, measure
from equivariance_zoo.landmarks.evaluation.report import report_table_1
from equivariance_zoo.landmarks.evaluation.results import CED_GRID, ced, figures, table_1, to_plain
from equivariance_zoo.landmarks.evaluation.tables import (
    beside_the_report,
    ced_csv,
    errors_csv,
    iou_csv,
    per_landmark,
    summary,
)
from tests.equivariance_zoo.landmarks.evaluation.networks import Bolted, Broken, Oracle
from tests.se3unet.training.small import small_faces

FACES = small_faces(3)


@pytest.fixture(scope="module")
def evaluation():
    networks = []
    for kind in (Oracle, Bolted):
        measurements = tuple(
            measure(kind(FACES), under_condition(FACES, condition, seed=0), condition)
            for condition in ("none", "ST_rt")
        )
        networks.append(
            Evaluated(kind.__name__, f"{kind.__name__}.safetensors", 7, {"a": 1}, "1 epoch", {"iou": 0.5}, measurements)
        )
    return Evaluation("test.npz", "test", 3, 3, 64, 0, 1, tuple(networks))


def test_thresholds_are_those_of_the_report():
    assert THRESHOLDS[0] == 0.1
    assert THRESHOLDS[-1] == 0.95
    assert len(THRESHOLDS) == 18


def test_true_heatmaps_are_right_in_every_pose(evaluation):
    for measurement in evaluation.networks[0].measurements:
        assert figures(measurement)["iou"] == 1
        assert (measurement.iou[~measurement.iou.isnan()] == 1).all()
        # 64 points are farther apart than the bells are wide.
        assert figures(measurement)["refined_mm"] < 20


def test_a_network_that_sees_positions_fails_in_other_poses(evaluation):
    at_rest, moved = evaluation.networks[1].measurements
    assert figures(at_rest)["iou"] > 0.5
    assert figures(moved)["iou"] < 0.05
    assert figures(moved)["failure_rate"] == 1
    assert figures(moved)["refined_mm"] > 50


def test_each_face_is_given_alone():
    oracle = Oracle(FACES)
    steps = []
    measure(oracle, FACES, "none", progress=lambda: steps.append(1))
    assert oracle.batches == [1, 1, 1]
    assert len(steps) == 3


def test_more_looks_change_the_refined_landmarks_alone():
    one, three = (measure(Bolted(FACES), FACES, "none", looks=looks) for looks in (1, 3))
    assert torch.equal(one.soft_mm, three.soft_mm)
    assert torch.equal(one.iou.nan_to_num(), three.iou.nan_to_num())
    assert not torch.equal(one.refined_mm, three.refined_mm)
    with pytest.raises(ValueError, match="looks: expected 1 or more, got 0"):
        measure(Bolted(FACES), FACES, "none", looks=0)


def test_heatmaps_that_are_no_numbers_are_an_error():
    with pytest.raises(ValueError, match="heatmaps of s0 under ST_r: expected finite numbers, got NaN"):
        measure(Broken(), FACES, "ST_r")


def test_no_face_is_an_error():
    with pytest.raises(ValueError, match="faces: expected at least one"):
        measure(Oracle(FACES), FACES[:0], "none")


def test_the_report_is_read_as_printed():
    theirs = report_table_1()
    assert list(theirs) == ["none", "ICP_r", "ICP_t", "ICP_rt", "ST_r", "ST_t", "ST_rt"]
    assert all(column.shape == (68,) for column in theirs.values())
    assert float(theirs["none"].mean()) == pytest.approx(0.520, abs=5e-4)
    assert float(theirs["ST_rt"].mean()) == pytest.approx(0.004, abs=5e-4)
    assert float(theirs["none"][41]) == 0.6881 == float(theirs["none"].max())
    assert float(theirs["ICP_t"][6]) == 0.3351 == float(theirs["ICP_t"].min())


def test_tables(evaluation):
    assert summary(evaluation).count("\n") == 2 + 4
    beside = beside_the_report(evaluation).splitlines()
    assert beside[0] == "| mean IoU at 0.2 | none | ST_rt |"
    assert beside[2] == "| Oracle | 1.0000 | 1.0000 |"
    assert beside[4] == "| report (FaceScape, theirs) | 0.5198 | 0.0039 |"
    lines = per_landmark(evaluation, 1).splitlines()
    assert len(lines) == 2 + 68 + 1
    best = int(table_1(evaluation.networks[1].measurements[0]).nan_to_num(-1).argmax())
    assert lines[2 + best].split(" | ")[1].startswith("**")
    assert sum(line.split(" | ")[1].startswith("*") for line in lines[2:]) == 2


def test_a_condition_that_is_not_the_reports_has_no_figure_of_it():
    leaking = measure(Oracle(FACES), FACES, "ICP_r_landmarks")
    network = Evaluated("a", "a", 1, {}, "1 epoch", {}, (leaking,))
    assert beside_the_report(Evaluation("d", "s", 3, 3, 64, 0, 1, (network,))).splitlines()[-1].endswith("| - |")


def test_rows_of_the_csv_files(evaluation):
    assert iou_csv(evaluation).count("\n") == 1 + 2 * 2 * 68 * 18
    assert errors_csv(evaluation).count("\n") == 1 + 2 * 2 * 68
    assert ced_csv(evaluation).count("\n") == 1 + 2 * 2 * len(CED_GRID)
    assert "nan" not in iou_csv(evaluation)


def test_plain_values_hold_no_infinity(evaluation):
    plain = to_plain(evaluation)
    conditions = plain["networks"][0]["conditions"]
    assert list(conditions) == ["none", "ST_rt"]
    # At 0.95 some landmarks of so coarse a cloud have no point at all.
    assert None in conditions["none"]["landmarks"]["iou"][-1]
    assert conditions["none"]["iou"] == 1


def test_the_cumulative_curve_ends_where_no_face_has_failed(evaluation):
    oracle, bolted = (network.measurements[1] for network in evaluation.networks)
    assert float(ced(oracle)[-1]) == 1 > float(ced(oracle)[0])
    assert not torch.any(ced(bolted))
