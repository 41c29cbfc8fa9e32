import pytest

from equivariance_zoo.steerable3d.data_sources.datasets import dataset
from equivariance_zoo.steerable3d.data_sources.meshes import read_split, voxelize
from equivariance_zoo.steerable3d.settings import DataConfig


@pytest.fixture
def meshes(tmp_path):
    """A SHREC17 folder: a box and a ball to train on, a ball to test with."""
    trimesh = pytest.importorskip("trimesh", reason="reads meshes: pip install trimesh")
    for split, shapes in {"train": ("box", "ball"), "test": ("ball",)}.items():
        (tmp_path / f"{split}_perturbed").mkdir()
        rows = ["id,synsetId,subSynsetId,modelId"]
        for index, shape in enumerate(shapes):
            mesh = trimesh.creation.box((1, 2, 3)) if shape == "box" else trimesh.creation.icosphere(2)
            mesh.export(tmp_path / f"{split}_perturbed" / f"{index:06d}.obj")
            rows.append(f"{index:06d},{'02691156' if shape == 'box' else '02747177'},,{shape}")
        (tmp_path / f"{split}.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_surfaces_fit_and_are_hollow(meshes):
    ball = voxelize(meshes / "train_perturbed" / "000001.obj", 32)
    assert ball.shape == (1, 32, 32, 32)
    assert ball.equal(voxelize(meshes / "train_perturbed" / "000001.obj", 32))
    assert ball.min() >= 0
    assert ball.max() <= 1
    assert ball[0, 16, 16, 16] < 0.01
    assert ball[0, 16, 16, 3:6].max() > 0.3


def test_labels_come_from_the_official_tables(meshes):
    assert [item.synset for item in read_split(meshes, "train")] == ["02691156", "02747177"]
    (meshes / "all.csv").write_text("id,synsetId,split\n000000,02747177,test\n000009,1,train\n")
    (meshes / "test.csv").unlink()
    assert [item.path.name for item in read_split(meshes, "test")] == ["000000.obj"]


def test_they_are_a_dataset(meshes):
    samples = dataset(DataConfig("shrec17", str(meshes), size=12), "test")
    field, label = samples[0]
    assert len(samples) == 1
    assert (field.shape, int(label)) == ((1, 12, 12, 12), 1)


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda f: (f / "train.csv").unlink(), "expected train.csv or all.csv in it"),
        (lambda f: (f / "train.csv").write_text("id,label\n1,2\n"), "expected the columns synsetId"),
        (lambda f: (f / "train_perturbed" / "000001.obj").unlink(), "got none of 000001.obj"),
    ],
)
def test_what_is_missing_is_told(meshes, break_it, words):
    break_it(meshes)
    with pytest.raises(ValueError, match=words):
        read_split(meshes, "train")


def test_broken_files_are_told(tmp_path):
    pytest.importorskip("trimesh", reason="reads meshes: pip install trimesh")
    (tmp_path / "empty.obj").write_text("")
    for name in ("empty.obj", "absent.obj"):
        with pytest.raises(ValueError, match="path: expected"):
            voxelize(tmp_path / name, 8)


@pytest.mark.parametrize("text", [b"\xff\xfe,1\n", b'"' + b"x" * 200_000, b"1,2\0\n\r\0"])
def test_a_table_that_is_no_text_is_refused(tmp_path, text):
    (tmp_path / "train.csv").write_bytes(b"id,synsetId\n" + text)
    (tmp_path / "train").mkdir()
    with pytest.raises(ValueError, match=r"^folder: expected "):
        read_split(tmp_path, "train")


@pytest.mark.parametrize("text", ["", "file\n", "file,class\n\n", "file,class\nabsent\n", "file,class\na,b,c,d\n"])
def test_short_and_long_rows_of_a_list_are_refused_by_their_files(tmp_path, text):
    (tmp_path / "train.csv").write_text(text)
    with pytest.raises(ValueError, match=r"^folder: expected the "):
        dataset(DataConfig("cath", str(tmp_path)), "train")
