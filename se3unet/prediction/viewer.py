"""Shows a prediction in a window with a rotatable face, if there is a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import numpy as np

from equivariance_zoo.landmarks.pictures import HEAT, drawn_pose, shading, spread_heat
from equivariance_zoo.training.extras import import_extra
from se3unet.prediction.predictor import Prediction


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """True if a window can be opened."""
    return sys.platform != "linux" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def show(prediction: Prediction, title: str) -> None:
    """Opens Open3D's viewer with heatmaps on the upright face and landmarks as red balls. Waits until it is closed.

    Raises:
        ImportError: If Open3D or matplotlib is not installed.
    """
    open3d = import_extra("open3d", "the viewer", "open3d")
    colours = import_extra("matplotlib", "the viewer", "predict").colormaps[HEAT]
    pose = drawn_pose(prediction.landmarks.numpy())
    surface, landmarks, positions = (
        pose.apply(each.numpy()) for each in (prediction.surface, prediction.landmarks, prediction.positions)
    )
    heat = spread_heat(prediction.heatmaps.amax(1).double().numpy(), positions, surface)
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(surface))
    grey = np.repeat(0.8 * shading(surface)[:, None], 3, axis=1)
    hot = np.where(heat[:, None] > 0.1, colours(heat)[:, :3], grey)
    cloud.colors = open3d.utility.Vector3dVector(hot)
    radius = 0.008 * float(np.ptp(surface, axis=0).max())
    balls = []
    for place in landmarks:
        ball = open3d.geometry.TriangleMesh.create_sphere(radius).translate(place)
        ball.compute_vertex_normals()
        ball.paint_uniform_color((0.8, 0.06, 0.18))
        balls.append(ball)
    open3d.visualization.draw_geometries([cloud, *balls], window_name=title)
