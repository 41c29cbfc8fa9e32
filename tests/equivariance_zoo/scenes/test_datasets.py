import json

import numpy as np
import pytest
from PIL import Image

from equivariance_zoo.scenes.__main__ import main
from equivariance_zoo.scenes.cameras import PerspectiveCamera, View
from equivariance_zoo.scenes.datasets.objects import ViewSettings, make_views
from equivariance_zoo.scenes.datasets.store import Store, load, read_settings, shards
from equivariance_zoo.scenes.meshes.cars import random_car
from equivariance_zoo.scenes.render import render_buffers
from tests.equivariance_zoo.scenes.test_meshes import packed

CARS = ["cars", "--count", "3", "--views", "4", "--size", "16", "--workers", "1"]


def arrays_of(folder):
    return {name: load(folder, [name]) for name in shards(folder)}


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


def same(one, other):
    return one.keys() == other.keys() and all(
        np.array_equal(one[name][key], other[name][key]) for name in one for key in one[name]
    )


def test_cars_are_written_with_labels_and_a_sheet(tmp_path, capsys):
    assert main([*CARS, "--output", str(tmp_path / "cars")]) == 0
    found = load(tmp_path / "cars")
    assert found["picture"].shape == (12, 16, 16, 4)
    assert found["axis"].shape == (12, 2, 2)
    assert read_settings(tmp_path / "cars") | {"seed": 0, "kind": "cars"} == read_settings(tmp_path / "cars")
    assert size_of(tmp_path / "cars" / "contact_sheet.png") == (8 * 192, 192)
    assert "3 files" in capsys.readouterr().out


def test_a_set_goes_on_where_it_was_stopped(tmp_path):
    assert main([*CARS, "--output", str(tmp_path / "whole")]) == 0
    assert main([*CARS, "--output", str(tmp_path / "cut")]) == 0
    (tmp_path / "cut" / "car-00001.npz").unlink()
    kept = (tmp_path / "cut" / "car-00000.npz").stat().st_mtime_ns
    assert main([*CARS, "--output", str(tmp_path / "cut")]) == 0
    assert (tmp_path / "cut" / "car-00000.npz").stat().st_mtime_ns == kept
    assert same(arrays_of(tmp_path / "whole"), arrays_of(tmp_path / "cut"))


@pytest.mark.slow
def test_several_workers_write_the_same(tmp_path):
    assert main([*CARS, "--output", str(tmp_path / "one")]) == 0
    assert main([*CARS[:-1], "2", "--output", str(tmp_path / "two")]) == 0
    assert same(arrays_of(tmp_path / "one"), arrays_of(tmp_path / "two"))


def test_a_shard_that_fails_is_not_there(tmp_path):
    store = Store(tmp_path / "set", {"kind": "test"})

    def make(name):
        if name == "b":
            raise KeyboardInterrupt
        return {"x": np.zeros(2)}

    with pytest.raises(KeyboardInterrupt):
        list(store.write(["a", "b", "c"], make))
    assert shards(tmp_path / "set") == ["a"]
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["a.npz", "settings.json"]


def test_a_set_of_other_settings_is_not_written_to(tmp_path, capsys):
    assert main([*CARS, "--output", str(tmp_path)]) == 0
    assert main([*CARS, "--seed", "1", "--output", str(tmp_path)]) == 2
    assert "output: expected an empty folder, or one of the same settings" in capsys.readouterr().err


def test_airliners_and_files_are_rendered(tmp_path):
    models = packed(tmp_path / "planes.npz")
    views = ["--views", "2", "--size", "16", "--workers", "1"]
    assert main(["planes", "--models", str(models), *views, "--output", str(tmp_path / "planes")]) == 0
    assert load(tmp_path / "planes")["picture"][..., 3].max() == 255
    import trimesh

    trimesh.creation.box((1, 2, 3)).export(tmp_path / "box.ply")
    assert main(["cars", "--files", str(tmp_path / "box.ply"), *views, "--output", str(tmp_path / "files")]) == 0
    assert shards(tmp_path / "files") == ["box"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cars", "--size", "4"], "size: expected a whole number, 8 or more, got 4"),
        (["cars", "--count", "0"], "count: expected a whole number, 1 or more, got 0"),
        (["cars", "--roll", "-1"], "roll: expected an angle from 0 to 180"),
        (["cars", "--workers", "-1"], "workers: expected 1 or more, got -1"),
        (["cars", "--files", "absent.glb"], "files: expected files of different names, got absent.glb"),
        (["planes", "--models", "absent.npz"], "models: expected a file of packed models"),
        (["heads", "--model", "absent.npz"], "absent.npz"),
        (["heads", "--model", "absent.npz", "--occluded", "2"], "occluded: expected a share from 0 to 1, got 2.0"),
    ],
)
def test_bad_usage_is_one_line(tmp_path, capsys, arguments, message):
    assert main([*arguments, "--output", str(tmp_path / "set")]) == 2
    assert message in capsys.readouterr().err


def test_heads_are_written(tmp_path, shared_data):
    model = shared_data / "ict_face_model" / "ict_face_model.npz"
    arguments = ["heads", "--model", str(model), "--count", "3", "--size", "32", "--dense", "--workers", "1"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    found = load(tmp_path)
    assert found["landmarks"].shape == (3, 68, 3)
    assert found["pncc"].dtype == np.uint16
    assert np.unpackbits(found["visible_vertices"], axis=1).shape[1] >= 11_248
    assert len(json.loads((tmp_path / "settings.json").read_text())["model"]) == 64
    assert size_of(tmp_path / "contact_sheet.png") == (8 * 192, 3 * 192)


def test_views_can_be_rendered_again_from_their_labels():
    car = random_car(np.random.default_rng(0))
    views = make_views(car, ViewSettings(views=3, size=32, roll=90.0), 0)
    for number in range(3):
        view = View(views["rotation"][number], views["position"][number])
        camera = PerspectiveCamera(view, float(views["focal"][number]))
        mask = render_buffers(car.normalized(), camera, 32).mask
        cover = views["picture"][number, ..., 3]
        assert (cover[mask] > 0).mean() > 0.95
        assert (cover[~mask] < 255).mean() > 0.95
        assert np.allclose(camera.project([[1, 0, 0], [-1, 0, 0]]), views["axis"][number], atol=1e-6)
        assert view.position[1] > -0.3


def test_what_is_no_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"folder: expected a set of pictures with settings.json"):
        load(tmp_path)
    Store(tmp_path, {"kind": "x"})
    np.savez(tmp_path / "a.npz", x=np.zeros(2))
    with pytest.raises(ValueError, match="arrays: expected some of x, got 'y'"):
        load(tmp_path, arrays=["y"])
