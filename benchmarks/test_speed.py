"""Cases of pytest-benchmark: `tox -e benchmarks`, for looking at one change at a time on one machine.

They are not part of any test suite. `python -m benchmarks.speed` compares with others and writes docs/results/speed.md.
"""

import pytest
import torch

import equivariance as eq
from benchmarks.speed.case import POINTS, Case, cloud
from benchmarks.speed.subjects import SUBJECTS
from equivariance_zoo import faces
from se3unet import SE3Unet, SE3UnetConfig
from se3unet.geometry.graph import KNNGraph
from se3unet.geometry.sampling import FarthestPointSampling

SMALL = 256
LAYER, NETWORK = Case("layer"), Case("network")


@pytest.mark.parametrize("case", [LAYER, Case("block"), NETWORK], ids=lambda case: case.subject)
def test_forward(benchmark, case):
    built = SUBJECTS[case.subject](case)
    with torch.no_grad():
        benchmark(built.forward)


@pytest.mark.parametrize("case", [LAYER, Case("block"), NETWORK], ids=lambda case: case.subject)
def test_step(benchmark, case):
    built = SUBJECTS[case.subject](case)
    optimizer = torch.optim.Adam(built.parameters)

    def step():
        optimizer.zero_grad()
        built.loss(built.forward()).backward()
        optimizer.step()

    benchmark(step)


@pytest.mark.parametrize("points", [POINTS, 16 * POINTS])
def test_neighbours(benchmark, points):
    graph = KNNGraph(NETWORK.neighbours)
    benchmark(graph, cloud(points, 1))


def test_sampling(benchmark):
    sampling = FarthestPointSampling(7 / 8)
    benchmark(sampling, cloud(8 * POINTS, 1))


def test_survey(benchmark):
    positions = faces.sample(1).positions[:, :: POINTS // SMALL]
    points, invariant = eq.CartesianPoints(nodes=1, batch=0), eq.Invariant(nodes=1, batch=0)
    network = SE3Unet(SE3UnetConfig()).eval()

    def survey():
        return eq.check(network, positions, points, invariant, group="se3", samples=4)

    assert benchmark.pedantic(survey, rounds=3).ok
