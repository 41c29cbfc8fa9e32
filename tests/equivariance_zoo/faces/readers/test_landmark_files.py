import json

import numpy as np
import pytest

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.readers.landmark_files import read_landmarks

POINTS = [[1.0, 2.0, 3.0], [-4.5, 0.0, 1e2]]
ROWS = "1 2 3\n-4.5 0 1e2\n"


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.pts", f"version: 1\nn_points: 2\n{{\n{ROWS}}}\n"),
        ("a.csv", "1,2,3\n-4.5,0,1e2\n"),
        ("a.csv", "x,y,z\n1,2,3\n-4.5,0,1e2\n\n"),
        ("a.csv", "name,x,y,z\njaw,1,2,3\nchin,-4.5,0,1e2\n"),
        ("a.csv", "0,1,2,3\n1,-4.5,0,1e2\n"),
        ("a.json", json.dumps(POINTS)),
        ("a.json", json.dumps({"landmarks": POINTS})),
        ("a.json", json.dumps({"points": POINTS, "unit": "mm"})),
        ("a.ljson", json.dumps({"version": 2, "labels": [], "landmarks": {"points": POINTS, "connectivity": []}})),
        ("a.ljson", json.dumps({"version": 3, "groups": {"LJSON": {"landmarks": {"points": POINTS}}}})),
        ("a.ljson", json.dumps({"version": 1, "groups": [{"landmarks": [{"point": point}]} for point in POINTS]})),
    ],
)
def test_landmarks_are_read(tmp_path, name, text):
    np.testing.assert_array_equal(read_landmarks(written(tmp_path, name, text)), POINTS)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", ROWS, r"expected landmarks in one of \.ljson, \.pts, \.csv, \.json"),
        *((f"a.{ending}", "", "expected") for ending in ("ljson", "pts", "csv", "json")),
        *((f"a.{ending}", "\x00\x9f", "expected") for ending in ("ljson", "pts", "csv", "json")),
        ("a.pts", f"version: 1\nn_points: 3\n{{\n{ROWS}}}", r"expected n_points to be the 2 rows but got \[3\]"),
        ("a.pts", f"version: 1\nn_points: 2\n{{\n{ROWS}", "the braces are not closed"),
        ("a.pts", "version: 1\nn_points: 1\n{\n1 2\n}", r"expected landmarks \[n, 3\] but got shape \[1, 2\]"),
        ("a.pts", "version: 1\nn_points: 1\n{\n1 2 x\n}", "expected three numbers per landmark but ValueError"),
        ("a.csv", "1,2\n", "row 1 has 2 columns"),
        ("a.csv", "1,2,3\n1,a,3\n", "expected three numbers per landmark but ValueError"),
        ("a.json", "[[1, 2, 3]", "expected three numbers per landmark but JSONDecodeError"),
        ("a.json", "{}", "expected three numbers per landmark but KeyError"),
        ("a.json", "[[1, 2, null]]", "expected"),
        ("a.json", "[[1, 2, NaN]]", "landmarks: expected finite coordinates but row 0 is not"),
        ("a.json", "[[1, 2], [1, 2, 3]]", "expected three numbers per landmark"),
        ("a.json", "3", r"expected landmarks \[n, 3\] but got shape \[\]"),
        ("a.ljson", '{"version": 2, "landmarks": {}}', "but KeyError"),
        ("a.ljson", '{"version": 3, "groups": {}}', "expected"),
        ("a.ljson", '{"version": 3, "groups": [1]}', "but AttributeError"),
        ("a.ljson", "[]", "but TypeError"),
        ("a.json", "[" * 100_000, "but RecursionError"),
    ],
)
def test_a_damaged_file_is_rejected_by_its_name(tmp_path, name, text, message):
    path = written(tmp_path, name, text)
    with pytest.raises(FaceError, match=message) as error:
        read_landmarks(path)
    assert str(path) in str(error.value)
