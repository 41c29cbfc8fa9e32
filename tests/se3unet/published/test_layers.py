"""The layers of the published network, with random weights: what they keep and what each defect breaks."""

from __future__ import annotations

import math
import zipfile

import pytest

pytest.importorskip("dgl", reason="needs DGL: pip install 'equivariance[dgl]'")

import dgl
import numpy as np
import torch

from se3unet.published import PublishedUnet, load_published_weights, published_graph
from se3unet.published.graphs import structure_of
from se3unet.published.weights import PublishedWeightsError
from tests.se3unet.clouds import random_cloud
from tests.se3unet.so3_oracle import (
    edge_vectors,
    haar_rotations,
    largest,
    largest_difference,
    matrix,
    random_fibers,
    rotate_fibers,
    wigner_d,
)

pytestmark = pytest.mark.numeric

POINTS, NEIGHBOURS = 48, 8


def clouds(samples=1):
    return torch.stack([random_cloud(POINTS, seed) for seed in range(samples)])


@pytest.fixture(scope="module")
def model():
    return PublishedUnet().double()


def edges_of(model, positions):
    graph = published_graph(positions, NEIGHBOURS)
    return model._edges(0, structure_of(graph), graph.ndata["x"], graph.edata["d"], graph.edata["w"])


def structure(samples=1):
    return structure_of(published_graph(clouds(samples), NEIGHBOURS))


@pytest.mark.parametrize("rotation", haar_rotations(1), ids=lambda r: f"{r.magnitude():.3f}rad")
def test_basis_is_equivariant_and_of_one_norm(model, rotation):
    vectors = edge_vectors()
    before, after = model.geometry[0].basis(vectors), model.geometry[0].basis(vectors @ matrix(rotation).T)
    for (i, o), kernels in before.items():
        turned = torch.einsum("ab,ebcf,dc->eadf", wigner_d(o, rotation), kernels, wigner_d(i, rotation))
        assert (turned - after[i, o]).abs().max() < 1e-13
        norms = kernels[:-2].square().sum((1, 2)).sqrt()
        torch.testing.assert_close(norms, torch.full_like(norms, (4 * math.pi) ** -0.5))


@pytest.mark.parametrize("name", ["down_branch.0", "bottleneck", "up_branch.1"])
@pytest.mark.parametrize("rotation", haar_rotations(1), ids=lambda r: f"{r.magnitude():.3f}rad")
def test_transformers_are_equivariant(model, name, rotation):
    block, features, positions = model.get_submodule(name), random_fibers("1x1e", POINTS), clouds()
    with torch.no_grad():
        output = block(features, edges_of(model, positions))
        moved = edges_of(model, positions @ matrix(rotation).T + 2.0)
        actual = block(rotate_fibers(features, rotation), moved)
    assert largest(output) > 1e-3
    assert largest_difference(rotate_fibers(output, rotation), actual) < 1e-11 * largest(output)


def test_attention_is_a_softmax_over_incoming_edges(model):
    attention, graph = model.bottleneck[0].attention, structure()
    sources, targets = graph.edges()
    values, keys = random_fibers("2x0e+1x2e", len(sources)), random_fibers("3x1e", len(sources), seed=1)
    queries = random_fibers("3x1e", POINTS, seed=2)
    output = attention(values, keys, queries, graph)
    logits = (keys[1] * queries[1][targets]).sum((1, 2)) / 3
    # Incoming edges are consecutive: the graph lists one point's neighbours after the other's.
    weights = logits.view(POINTS, NEIGHBOURS).softmax(-1)
    for degree, value in values.items():
        expected = torch.einsum("nk,nkcm->ncm", weights, value.unflatten(0, (POINTS, NEIGHBOURS)))
        torch.testing.assert_close(output[degree], expected)


def test_number_of_parameters(model):
    assert sum(parameter.numel() for parameter in model.parameters()) == 224_075


def test_weights_follow_the_seed_and_spare_the_generator():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, same, other = PublishedUnet(), PublishedUnet(), PublishedUnet(seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not torch.equal(first.head.hidden.weight, other.head.hidden.weight)


def test_logits_of_random_weights_differ_between_points(model):
    logits = model(published_graph(clouds(2), NEIGHBOURS))
    assert logits.shape == (2, POINTS, 68)
    assert logits.isfinite().all()
    assert logits.std(1).min() > 1e-4
    logits.square().sum().backward()
    assert model.down_branch[0][0].value.radial["1_0"].net[0].weight.grad.abs().sum() > 0
    model.zero_grad()


def test_a_pass_is_reproducible_on_fresh_graphs_and_not_on_a_used_one(model):
    used = published_graph(clouds(), NEIGHBOURS)
    vectors = used.edata["d"].clone()
    with torch.no_grad():
        first, fresh = model(used), model(published_graph(clouds(), NEIGHBOURS))
        second = model(used)
    assert torch.equal(first, fresh)
    assert (second - first).norm() > 1e-3 * first.norm()
    assert torch.equal(used.edata["d"], -vectors)


def test_a_pass_advances_the_generator(model):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    model(published_graph(clouds(), NEIGHBOURS))
    assert not torch.equal(torch.get_rng_state(), state)


def test_a_pass_switches_the_default_dtype_and_back(model, monkeypatch):
    seen = []
    original = torch.set_default_dtype
    monkeypatch.setattr(torch, "set_default_dtype", lambda dtype: (seen.append(dtype), original(dtype)))
    model.geometry[0](edge_vectors())
    assert seen == [torch.float64, torch.float32]
    assert torch.get_default_dtype() == torch.float32


def test_coordinates_are_absolute(model):
    positions = clouds()[0]
    difference = model.coordinates(positions + 1)[1] - model.coordinates(positions)[1]
    assert torch.equal(difference, torch.ones(POINTS, 1, 3, dtype=torch.float64))


def test_head_mixes_components(model):
    features, rotation = random_fibers("1x1e", POINTS), haar_rotations(1)[0]
    logits, turned = model.head(features), model.head(rotate_fibers(features, rotation))
    assert (turned - logits).norm() > 1e-2 * logits.norm()


def test_start_depends_on_the_batch(model):
    both = clouds(2)
    together = model.pool.start(both)
    alone = torch.cat([model.pool.start(both[:1]), model.pool.start(both[1:])])
    assert together[0] == together[1]
    assert not torch.equal(together, alone)


def test_selection_is_farthest_first(model):
    positions = clouds(2)
    picks = model.pool.select(positions, torch.tensor([3, 3]))
    assert picks.shape == (2, 32)
    for cloud, chosen in zip(positions, picks.tolist(), strict=True):
        assert chosen[0] == 3
        for step in range(1, len(chosen)):
            to_picks = torch.cdist(cloud, cloud[chosen[:step]]).amin(-1)
            assert to_picks[chosen[step]] == pytest.approx(float(to_picks.max()))


def test_pooled_edge_vectors_are_those_of_other_nodes(model):
    positions, graph = clouds(2), structure(2)
    pooled = model.pool(random_fibers("1x1e", 2 * POINTS), positions, graph)
    sources, targets = pooled.structure.edges()
    x = positions.flatten(0, 1)
    right = x[pooled.picks][targets] - x[pooled.picks][sources]
    assert torch.equal(pooled.vectors, x[targets] - x[sources])
    assert (pooled.vectors - right).norm() > 0.1 * right.norm()
    assert pooled.structure.batch_num_nodes().tolist() == [32, 32]
    assert int(pooled.structure.batch_num_edges().sum()) == pooled.structure.num_edges()


def test_pool_sums_over_neighbours(model):
    features, graph = random_fibers("2x1e", POINTS), structure()
    sources, _ = graph.edges()
    expected = features[1][sources].view(POINTS, NEIGHBOURS, 2, 3).sum(1)
    torch.testing.assert_close(model.pool.aggregate(features, graph)[1], expected)


def test_upsampling_keeps_known_nodes_and_averages_the_others(model):
    graph, lengths = structure(), torch.full((POINTS * NEIGHBOURS, 1), 0.5, dtype=torch.float64)
    picks = torch.arange(0, POINTS, 2)
    features = {1: torch.ones(len(picks), 1, 3, dtype=torch.float64)}
    output = model.upsample(features, picks, lengths, graph)[1]
    torch.testing.assert_close(output, torch.ones(POINTS, 1, 3, dtype=torch.float64))


def test_upsampling_weights_come_from_other_edges(model):
    sources = torch.tensor([4, 2])
    lengths = torch.arange(1.0, 7.0).unsqueeze(1)
    torch.testing.assert_close(model.upsample.weights(lengths, sources), torch.tensor([1 / 25, 1 / 9]))


def test_zero_features_are_taken_for_unknown(model):
    graph, lengths = structure(), torch.ones(POINTS * NEIGHBOURS, 1, dtype=torch.float64)
    features = {1: torch.ones(POINTS, 1, 3, dtype=torch.float64).index_fill(0, torch.tensor([7]), 0)}
    assert not model.upsample.mask(features)[7]
    assert (model.upsample(features, torch.arange(POINTS), lengths, graph)[1][7] == 1).all()


def test_dropped_nodes_without_known_neighbours_stay_zero(model):
    graph, lengths = structure(), torch.ones(POINTS * NEIGHBOURS, 1, dtype=torch.float64)
    features = {1: torch.zeros(1, 1, 3, dtype=torch.float64)}
    assert (model.upsample(features, torch.tensor([0]), lengths, graph)[1] == 0).all()


@pytest.mark.parametrize(
    ("positions", "k", "message"),
    [
        (torch.zeros(48, 3), 8, r"positions: expected shape \[B, N, 3\], got \[48, 3\]"),
        (torch.zeros(0, 48, 3), 8, r"positions: expected shape \[B, N, 3\], got \[0, 48, 3\]"),
        (torch.full((1, 48, 3), math.nan), 8, "positions: expected finite coordinates"),
        (torch.zeros(1, 8, 3), 8, "k: expected 1 to 7 neighbours among 8 points, got 8"),
        (torch.zeros(1, 8, 3), 0, "k: expected 1 to 7 neighbours among 8 points, got 0"),
        (torch.zeros(1, 8, 3), 1.5, "k: expected 1 to 7 neighbours among 8 points, got 1.5"),
        (torch.zeros(1, 1, 3), 40, "positions: expected two points or more, got 1"),
        (torch.zeros(1, 8, 3, dtype=torch.int64), 3, "positions: expected .* floating-point numbers, got torch.int64"),
        ([[0.0, 0.0, 0.0]], 1, "positions: expected a tensor of floating-point numbers, got list"),
    ],
)
def test_positions_that_make_no_graph_are_refused(positions, k, message):
    with pytest.raises(ValueError, match=message):
        published_graph(positions, k)


def test_graphs_that_do_not_fit_are_refused(model):
    with pytest.raises(ValueError, match=r"graph: expected the fields of published_graph, ndata\['x'\], edata\['d'\]"):
        model(structure())
    first, second = (published_graph(random_cloud(points).unsqueeze(0), NEIGHBOURS) for points in (20, 30))
    with pytest.raises(ValueError, match=r"graph: expected samples of one size, got \[20, 30\]"):
        model(dgl.batch([first, second]))


@pytest.mark.parametrize(
    ("store", "field", "change", "message"),
    [
        ("ndata", "x", lambda x: x[:, :2], r"ndata\['x'\] of shape \[48, 3\], got \[48, 2\]"),
        ("ndata", "x", lambda x: x / 0, r"finite numbers in ndata\['x'\]"),
        ("edata", "d", lambda d: d[:, :2], r"edata\['d'\] of shape"),
        (
            "edata",
            "w",
            lambda w: w.to(torch.float16),
            r"edata\['w'\] of torch.float64 on cpu.*got torch.float16",
        ),
    ],
)
def test_fields_that_do_not_fit_are_refused(model, store, field, change, message):
    graph = published_graph(random_cloud(48).double().unsqueeze(0), NEIGHBOURS)
    getattr(graph, store)[field] = change(getattr(graph, store)[field])
    with pytest.raises(ValueError, match="graph: expected .*" + message):
        model(graph)


def test_what_is_no_graph_or_empty_is_refused(model):
    with pytest.raises(ValueError, match="graph: expected a DGL graph, see published_graph, got Tensor"):
        model(torch.zeros(1, 48, 3))
    empty = dgl.graph(([], []))
    empty.ndata["x"], empty.edata["d"], empty.edata["w"] = torch.zeros(0, 3), torch.zeros(0, 3), torch.zeros(0, 1)
    with pytest.raises(ValueError, match="graph: expected one node or more, got none"):
        model(empty)


@pytest.mark.parametrize("array", [np.array([None]), np.array(["text"]), np.arange(3)])
def test_archives_of_other_things_are_refused(array, tmp_path):
    np.savez(tmp_path / "weights.npz", array=array)
    with pytest.raises(PublishedWeightsError, match=r"path: expected (an \.npz file|arrays of floating-point numbers)"):
        load_published_weights(PublishedUnet(), tmp_path / "weights.npz")


def test_an_archive_without_arrays_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "weights.npz", "w") as archive:
        archive.writestr("notes.txt", "text")
    with pytest.raises(PublishedWeightsError, match=r"has other: \['notes.txt'\]"):
        load_published_weights(PublishedUnet(), tmp_path / "weights.npz")


def test_files_that_hold_no_weights_are_refused(tmp_path):
    path = tmp_path / "weights.npz"
    with pytest.raises(FileNotFoundError):
        load_published_weights(PublishedUnet(), path)
    path.write_text("no archive")
    with pytest.raises(PublishedWeightsError, match=r"path: expected an \.npz file"):
        load_published_weights(PublishedUnet(), path)
