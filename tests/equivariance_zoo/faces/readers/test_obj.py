import numpy as np
import pytest

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.readers.obj import read_obj, read_vertices, triangulate

TEXT = """# a comment
mtllib some.mtl
v 0 0 0
v 1 0 0 0.5 0.5 0.5
vt 0 0
vn 0 0 1
v 1 1 0
v 0 1e0 0
f 1/1/1 2/1/1 3/1/1 4/1/1
f 1//1 2//1 3//1
f 2 3 4
"""


def test_vertices_and_faces_are_read_in_order(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text(TEXT)
    vertices, faces = read_obj(path)
    np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(faces, [[0, 1, 2, 3], [0, 1, 2, -1], [1, 2, 3, -1]])
    np.testing.assert_array_equal(read_vertices(path), vertices)
    assert triangulate(faces).tolist() == [[0, 1, 2], [0, 1, 2], [1, 2, 3], [0, 2, 3]]


def test_a_cloud_has_no_faces(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text("v 0 0 0\n")
    assert read_obj(path)[1].shape == (0, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected an .obj file but it has no vertex"),
        ("\x00\x01\x02", "expected an .obj file but it has no vertex"),
        ("v 0 0\n", "expected three coordinates but vertex 1 has 2"),
        ("v 0 0 a\n", "expected the numbers of an .obj file but could not convert"),
        (TEXT + "f 1 2 5\n", r"expected 3 or 4 of the 4 vertices but face 4 has \[1, 2, 5\]"),
        (TEXT + "f 1 2\n", r"expected 3 or 4 of the 4 vertices but face 4 has \[1, 2\]"),
        (TEXT + "f 1 2 -1\n", r"but face 4 has \[1, 2, -1\]"),
        (TEXT + "f 1 2 x\n", "expected vertex numbers in the faces but invalid literal"),
        (TEXT[:-4], r"face 3 has \[2\]"),
    ],
)
def test_a_damaged_file_is_rejected_by_its_name(tmp_path, text, message):
    path = tmp_path / "a.obj"
    path.write_text(text)
    with pytest.raises(FaceError, match=message) as error:
        read_obj(path)
    assert str(path) in str(error.value)
