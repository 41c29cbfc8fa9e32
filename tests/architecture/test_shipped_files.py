"""Files beside the code of se3unet and equivariance_zoo: they are found, and trained weights and faces are the same."""

import hashlib

import pytest

from equivariance_zoo import faces
from equivariance_zoo.faces.models.anny import landmark_numbers
from equivariance_zoo.landmarks.evaluation.report import report_table_1
from equivariance_zoo.steerable3d.settings import Run
from se3unet.prediction import page
from se3unet.prediction.predictor import SHIPPED
from se3unet.training.settings import BUILT_IN, Settings
from tests.architecture.sources import ROOT

SHA256 = {
    "se3unet/data/landmarks.safetensors": "e41d080aa91f351d8c3bc1f6befe192c08b8796a6a0ad0842bf7fb856f5dc1b0",
    "equivariance_zoo/faces/data/sample.npz": "35856e7858478018c3da64f991841437df9c0824da3038933b85c75caff58eef",
}


@pytest.mark.parametrize("name", SHA256)
def test_weights_and_faces_are_those_that_were_measured(name):
    assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == SHA256[name]


def test_the_shipped_weights_are_found():
    assert SHIPPED == ROOT / "se3unet" / "data" / "landmarks.safetensors"


@pytest.mark.parametrize("name", ["default", "report"])
def test_built_in_settings_are_found(name):
    assert (BUILT_IN / f"{name}.toml").is_file()
    assert Settings.read(name).network == "se3unet"


def test_the_built_in_training_of_steerable3d_is_found():
    assert Run.read("tetris").data.kind == "tetris"


def test_tables_pages_and_faces_are_found():
    assert len(report_table_1()["none"]) == 68
    assert len(faces.sample(1).landmarks[0]) == 68
    assert len(landmark_numbers()) == 68
    for name in ("page.css", "page.js"):
        assert page._data(name)
