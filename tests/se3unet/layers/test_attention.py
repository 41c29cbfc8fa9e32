import pytest
import torch

from se3unet.geometry.edges import EdgeGeometry
from se3unet.geometry.graph import KNNGraph, connect
from se3unet.layers.attention import MultiHeadAttention, TFNConvolution, enveloped_softmax
from se3unet.layers.fibers import component_major
from tests.se3unet.clouds import CLOUDS, FAR, duplicated, random_cloud
from tests.se3unet.so3_oracle import (
    haar_rotations,
    largest_difference,
    matrix,
    perturb,
    random_fibers,
    rotate_fibers,
)

pytestmark = pytest.mark.numeric

IRREPS_IN = "3x0e+2x1e"
IRREPS_OUT = "4x0e+4x1e+4x2e"


def attention(heads=2, relative_positions="concatenate"):
    return MultiHeadAttention(IRREPS_IN, IRREPS_OUT, heads, relative_positions)


def convolution():
    return TFNConvolution(IRREPS_IN, IRREPS_OUT, "concatenate")


LAYERS = {
    "attention": attention,
    "one head": lambda: attention(1),
    "added": lambda: attention(relative_positions="add"),
    "convolution": convolution,
}


def built(layer):
    torch.manual_seed(0)
    module = layer().double()
    perturb(module)
    return module


def every_edge(linear, fibers, edges):
    (chunk,) = edges.chunks()
    nodes = {degree: component_major(feature) for degree, feature in fibers.items()}
    return linear.on_edges(nodes, chunk, linear.matrices())


def edges_of(points):
    return EdgeGeometry(2)(KNNGraph(6)(points))


def test_softmax_weights_are_those_of_equation_4_with_an_envelope():
    logits = torch.randn(2, 5, 6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    envelope = torch.rand(2, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    terms = envelope.unsqueeze(-1) * logits.exp()
    total = envelope.sum(-1)[..., None, None]
    expected = terms / terms.sum(2, keepdim=True) * total / (total + 0.01)
    torch.testing.assert_close(enveloped_softmax(logits, envelope), expected)


def test_softmax_weights_survive_large_logits_and_empty_neighbourhoods():
    logits = torch.tensor([1e4, -1e4, 0.0, 5e4]).view(1, 1, 4, 1).requires_grad_()
    weights = enveloped_softmax(logits, torch.tensor([[[1.0, 1.0, 1.0, 0.0]]]))
    assert weights.flatten().tolist() == pytest.approx([3 / 3.01, 0, 0, 0])
    empty = enveloped_softmax(logits, torch.zeros(1, 1, 4))
    assert empty.flatten().tolist() == [0, 0, 0, 0]
    (weights.sum() + empty.sum()).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_layers_are_equivariant(layer, cloud):
    module, points = built(layer), cloud().unsqueeze(0)
    fibers = random_fibers(IRREPS_IN, *points.shape[:2])
    expected = module(fibers, edges_of(points))
    for rotation in haar_rotations(2):
        actual = module(rotate_fibers(fibers, rotation), edges_of(points @ matrix(rotation).T))
        assert largest_difference(actual, rotate_fibers(expected, rotation)) < 1e-12
    assert largest_difference(module(fibers, edges_of(points + FAR)), expected) < 1e-12


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_follow_permutations_and_do_not_read_other_samples(layer):
    module, points = built(layer), torch.stack([random_cloud(seed=1), random_cloud(seed=2)])
    fibers = random_fibers(IRREPS_IN, 2, 60)
    expected = module(fibers, edges_of(points))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    permuted = module({degree: f[:, order] for degree, f in fibers.items()}, edges_of(points[:, order]))
    assert largest_difference(permuted, {degree: f[:, order] for degree, f in expected.items()}) < 1e-13
    alone = module({degree: f[1:] for degree, f in fibers.items()}, edges_of(points[1:]))
    assert largest_difference(alone, {degree: f[1:] for degree, f in expected.items()}) < 1e-13


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_the_last_neighbour_does_not_matter(layer):
    module, points = built(layer), random_cloud().unsqueeze(0)
    fibers, edges = random_fibers(IRREPS_IN, 1, 60), edges_of(random_cloud().unsqueeze(0))
    numbers = edges.graph.neighbours.clone()
    radii = edges.graph.distances[0, :, -1]
    # Another point in its place, at the same distance: outputs differ only if that edge has weight.
    replaced = connect(points, numbers)
    swapped = {degree: feature.clone() for degree, feature in fibers.items()}
    last = int(numbers[0, 0, -1])
    for feature in swapped.values():
        feature[0, last] += 100
    assert radii[0] == replaced.distances[0, 0, -1]
    before, after = module(fibers, edges), module(swapped, edges)
    assert all(torch.equal(before[degree][0, 0], after[degree][0, 0]) for degree in before)


def test_attention_averages_values_by_the_weights_of_each_head():
    module, edges = built(attention), edges_of(random_cloud().unsqueeze(0))
    fibers, node = random_fibers(IRREPS_IN, 1, 60), 11
    values, keys = (
        {d: f.unflatten(2, (1, 60, 6)).permute(2, 3, 4, 1, 0) for d, f in on_edges.items()}
        for on_edges in every_edge(module.linear, fibers, edges)
    )
    queries = module.query(fibers)
    output = module(fibers, edges)
    for head in range(2):
        share = slice(head, None, 2)
        query = torch.cat([queries[d][0, node, share].flatten() for d in (0, 1)])
        key = torch.cat([keys[d][0, node, :, share].flatten(1) for d in (0, 1)], -1)
        assert query.shape == (8,)
        query = query / (query.square().sum() + 8).sqrt()
        key = key / (key.square().sum(-1, keepdim=True) + 8).sqrt()
        weights = enveloped_softmax((8**0.5 * key @ query).view(1, 1, -1, 1), edges.graph.envelope[:, node : node + 1])
        for degree in (0, 1, 2):
            expected = torch.einsum("k,kcm->cm", weights.flatten(), values[degree][0, node, :, share])
            torch.testing.assert_close(output[degree][0, node, share], expected)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("cloud", [random_cloud, duplicated], ids=["random", "duplicated"])
def test_gradients_are_finite(layer, cloud):
    module, points = built(layer), cloud().unsqueeze(0).requires_grad_()
    fibers = {degree: f.requires_grad_() for degree, f in random_fibers(IRREPS_IN, 1, 60).items()}
    sum(feature.square().sum() for feature in module(fibers, edges_of(points)).values()).backward()
    assert points.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in module.parameters())


def test_a_neighbourhood_of_duplicates_sends_no_message():
    fibers = random_fibers(IRREPS_IN, 1, 60)
    graph = KNNGraph(4)(duplicated().unsqueeze(0))
    output = built(attention)(fibers, EdgeGeometry(2)(graph))
    assert all(float(feature.detach().abs().max()) == 0 for feature in output.values())


def test_what_cannot_be_built_is_an_error():
    with pytest.raises(ValueError, match=r"heads: expected a divisor of the channels of every degree in .*, got 3"):
        attention(3)
    with pytest.raises(ValueError, match=r"irreps_out: expected a degree in common with irreps_in=2x0e, got 3x1e"):
        MultiHeadAttention("2x0e", "3x1e", 1, "concatenate")
