import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import se3unet
from se3unet.config import SE3UnetConfig
from se3unet.prediction import Predictor, Scan
from se3unet.prediction.viewer import has_display, show
from se3unet.training.checkpoint import save_checkpoint
from se3unet.training.networks import build
from se3unet.training.settings import Settings
from tests.se3unet.prediction.scans import LANDMARKS_MM, POINTS_MM, Perfect, worst_error
from tests.se3unet.training.small import UNET

pytest.importorskip("safetensors", reason="checkpoints: pip install safetensors")

TURN = Rotation.random(rng=5)


@pytest.fixture
def trained(monkeypatch):
    perfect = Perfect(TURN)
    monkeypatch.setattr(Predictor, "_heatmaps", lambda self, clouds: perfect(clouds))


@pytest.mark.usefixtures("trained")
class TestPredict:
    @pytest.mark.parametrize("kind", [torch.from_numpy, lambda points: points.astype(np.float32)])
    def test_one_cloud(self, checkpoint, kind):
        prediction = se3unet.predict(kind(TURN.apply(POINTS_MM)), checkpoint=checkpoint, device="cpu")
        assert prediction.is_face
        assert (prediction.unit, prediction.unit_mm, prediction.guessed) == ("mm", 1.0, True)
        assert prediction.landmarks.shape == (68, 3)
        assert prediction.landmarks.dtype == torch.float64
        assert worst_error(prediction, TURN.apply(LANDMARKS_MM)) < 8
        assert 0 <= float(prediction.certainties.min()) <= prediction.confidence <= 1

    @pytest.mark.slow
    def test_several_clouds(self, checkpoint):
        clouds = torch.from_numpy(np.stack([TURN.apply(POINTS_MM) / 1000 + shift for shift in (0, 7)]))
        batch = se3unet.predict(clouds, checkpoint=checkpoint)
        assert [prediction.unit for prediction in batch] == ["m", "m"]
        assert (batch[1].landmarks - batch[0].landmarks - 7).abs().max() < 1e-6
        listed = se3unet.predict([clouds[0], clouds[1].numpy()], unit="m", checkpoint=checkpoint)
        assert not listed[0].guessed
        assert torch.equal(listed[1].landmarks, batch[1].landmarks)

    @pytest.mark.slow
    def test_a_second_guess_is_tried(self, checkpoint):
        # As large as a face in inches, or as one with shoulders in centimetres.
        prediction = se3unet.predict(TURN.apply(POINTS_MM) / 16, checkpoint=checkpoint)
        assert prediction.is_face
        assert prediction.guessed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.zeros((2000, 2)), r"expected points of shape \[n, 3\], got \[2000, 2\]"),
        (np.zeros(3), r"expected points of shape \[n, 3\], got \[3\]"),
        (np.zeros((10, 3)), "expected a cloud of at least 1,024 points, got 10"),
        (np.full((2000, 3), np.nan), "points of cloud 0: expected finite coordinates"),
        ([POINTS_MM, "anna"], r"points: expected tensors or arrays \[n, 3\], got str"),
    ],
)
def test_points_that_cannot_be_used(checkpoint, points, words):
    with pytest.raises(ValueError, match=words):
        se3unet.predict(points, checkpoint=checkpoint)


def test_a_unit_that_is_none(checkpoint):
    with pytest.raises(ValueError, match="unit: expected one of mm, cm, m, in, face, got furlong"):
        se3unet.predict(POINTS_MM, unit="furlong", checkpoint=checkpoint)


def test_a_network_of_other_landmarks_is_refused(tmp_path):
    settings = Settings(unet=SE3UnetConfig.from_dict({**UNET.to_dict(), "landmarks": 5}))
    save_checkpoint(tmp_path / "five.safetensors", build(settings), settings, {})
    with pytest.raises(ValueError, match="checkpoint: expected an SE3Unet of 68 landmarks"):
        Predictor(tmp_path / "five.safetensors")


def test_the_published_network_is_refused(tmp_path):
    pytest.importorskip("dgl", reason="the published network runs on DGL graphs")
    settings = Settings(network="published")
    save_checkpoint(tmp_path / "published.safetensors", build(settings), settings, {})
    with pytest.raises(ValueError, match="checkpoint: expected an SE3Unet of 68 landmarks, which sees any pose"):
        Predictor(tmp_path / "published.safetensors")


def test_a_mesh_is_sampled_by_area():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 9]], dtype=np.float64)
    surface = Scan("mesh", corners, np.array([[0, 1, 2]])).surface(seed=0)
    assert len(surface) > 10_000
    assert surface[:, 2].max() == 0


def test_points_that_repeat_are_taken_once():
    surface = Scan("cloud", np.concatenate([POINTS_MM, POINTS_MM])).surface(seed=0)
    assert np.array_equal(surface, POINTS_MM)


class TestViewer:
    @pytest.mark.parametrize(("environment", "there"), [({}, False), ({"DISPLAY": ":0"}, True)])
    def test_a_display_is_seen(self, environment, there):
        assert has_display(environment) is (there or sys.platform != "linux")

    @pytest.mark.usefixtures("trained")
    def test_the_window_shows_the_face_and_68_balls(self, checkpoint, monkeypatch):
        pytest.importorskip("matplotlib", reason="colours: pip install matplotlib")
        shown = {}

        class Ball:
            def translate(self, place):
                self.place = place
                return self

            def compute_vertex_normals(self):
                pass

            def paint_uniform_color(self, colour):
                self.colour = colour

        def draw(things, window_name):
            shown.update(things=things, title=window_name)

        open3d = SimpleNamespace(
            geometry=SimpleNamespace(
                PointCloud=lambda points: SimpleNamespace(points=points),
                TriangleMesh=SimpleNamespace(create_sphere=lambda radius: Ball()),
            ),
            utility=SimpleNamespace(Vector3dVector=np.asarray),
            visualization=SimpleNamespace(draw_geometries=draw),
        )
        monkeypatch.setitem(sys.modules, "open3d", open3d)
        show(se3unet.predict(TURN.apply(POINTS_MM), checkpoint=checkpoint), "anna")
        cloud, *balls = shown["things"]
        assert len(balls) == 68
        assert cloud.points.shape == cloud.colors.shape == (1024, 3)
        # Upright: the chin is below the nose, whatever the scan's pose.
        assert balls[8].place[1] < balls[30].place[1] < balls[27].place[1]


@pytest.mark.slow
def test_without_open3d_the_message_says_what_to_install(checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(ImportError, match=r'open3d is needed \(.*\): pip install "equivariance\[open3d\]"'):
        show(se3unet.predict(POINTS_MM, checkpoint=checkpoint), "anna")
