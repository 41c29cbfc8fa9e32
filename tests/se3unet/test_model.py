import pytest
import torch

from se3unet import SE3Unet, SE3UnetConfig
from se3unet.layers.norms import NormBias
from tests.se3unet.clouds import CLOUDS, FAR, lattice, random_cloud
from tests.se3unet.so3_oracle import haar_rotations, matrix, perturb

SMALL = SE3UnetConfig(neighbours=6, channels=2, landmarks=7, head_width=16)
VARIANTS = {
    "default": {},
    "two levels": {"levels": 2},
    "two heads": {"heads": 2},
    "mean": {"pooling": "mean"},
    "max": {"pooling": "max"},
    "convolution": {"messages": "convolution"},
    "added positions": {"relative_positions": "add"},
    "sum skip": {"skip": "sum"},
    "attentive": {"self_interaction": "attentive"},
    "1x1": {"last_self_interaction": "1x1"},
    "power": {"power": 3.5},
    "degree 1": {"max_degree": 1},
    "degree 3": {"max_degree": 3},
    "one block": {"blocks": 1},
    "channels by level": {"levels": 2, "channels": (2, 4, 3)},
}


def network(**changes):
    torch.manual_seed(0)
    model = SE3Unet(SE3UnetConfig.from_dict({**SMALL.to_dict(), **changes})).double()
    perturb(model)
    return model.eval().requires_grad_(False)


def difference(first, second):
    return float((first - second).detach().abs().max())


@pytest.mark.slow
@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_heatmaps_do_not_move_with_the_frame(changes):
    model, points = network(**changes), random_cloud()
    expected = model.logits(points)
    assert expected.shape == (60, 7)
    assert float(expected.std(0).min()) > 1e-3
    for rotation in haar_rotations(2):
        assert difference(model.logits(points @ matrix(rotation).T), expected) < 1e-11
    assert difference(model.logits(points + FAR), expected) < 1e-11


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_special_clouds_do_not_move_with_the_frame(cloud):
    model, points = network(), cloud()
    expected = model.logits(points)
    assert expected.isfinite().all()
    for rotation in haar_rotations(2):
        assert difference(model.logits(points @ matrix(rotation).T), expected) < 1e-11
    assert difference(model.logits(points + FAR), expected) < 1e-11


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("cloud", [random_cloud, lattice], ids=["random", "lattice"])
def test_heatmaps_follow_permutations(cloud, changes):
    model, points = network(**changes), cloud()
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    assert difference(model.logits(points[order]), model.logits(points)[order]) < 1e-11


def test_samples_do_not_meet():
    model, batch = network(levels=2), torch.stack([random_cloud(seed=1), random_cloud(seed=2), random_cloud(seed=3)])
    together = model(batch)
    assert together.shape == (3, 60, 7)
    for sample, heatmaps in zip(batch, together, strict=True):
        assert difference(model(sample), heatmaps) < 1e-12
        assert difference(model(sample.unsqueeze(0))[0], heatmaps) < 1e-12


def test_heatmaps_are_the_sigmoid_of_the_logits():
    model, points = network(), random_cloud()
    torch.testing.assert_close(model(points), model.logits(points).sigmoid())


def test_a_mirrored_cloud_has_other_heatmaps():
    """Without parity on purpose: a network that cannot tell left from right cannot tell the eyes apart."""
    model, points = network(), random_cloud()
    mirror = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)
    assert difference(model(points * mirror), model(points)) > 1e-3


def test_both_dtypes_agree():
    model, points = network(levels=2), random_cloud()
    single = network(levels=2).float()(points.float())
    assert single.dtype == torch.float32
    assert difference(single.double(), model(points)) < 1e-5


def test_double_is_float64_throughout():
    """A constant kept in float32 would show as an error of 1e-8 against a network that never was in float32."""
    torch.manual_seed(0)
    model = SE3Unet(SMALL)
    twin = SE3Unet(SMALL).double()
    twin.load_state_dict(model.state_dict())
    points = random_cloud()
    model(points.float())
    assert difference(model.double()(points), twin(points)) < 1e-13


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_every_parameter_learns(changes):
    model = network(**changes).requires_grad_(True)
    for layer in model.modules():
        if isinstance(layer, NormBias):
            # A dead unit learns nothing.
            [bias.data.abs_() for bias in layer.bias.values()]
    model(random_cloud()).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_gradients_of_positions_are_finite(cloud):
    points = cloud().requires_grad_()
    network()(points).square().sum().backward()
    assert points.grad.isfinite().all()


def test_nothing_else_changes():
    model, points = network(), random_cloud()
    before, state = points.clone(), {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(1)
    generator, default = torch.get_rng_state(), torch.get_default_dtype()
    first, second = model(points), model(points)
    assert torch.equal(first, second)
    assert torch.equal(points, before)
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.get_default_dtype() == default
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert model.train()(points).equal(first)


def test_the_stages_are_children_of_the_network():
    model = network(levels=2)
    names = {name for name, _ in model.named_modules()}
    assert names >= {
        *("graph", "geometry.1", "embed", "down.0", "down.1", "bottleneck", "upsample.0", "up.1", "residual.0", "head"),
        *("pool.1", "pool.1.sample", "pool.1.aggregate", "pool.1.graph", "geometry.2", "up.0.blocks.2.messages"),
    }
    assert sum(p.numel() for p in SE3Unet().parameters()) == 70760


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (torch.zeros(0, 3), r"expected one sample and one point or more, got shape \[0, 3\]"),
        (torch.zeros(0, 60, 3), r"expected one sample and one point or more, got shape \[0, 60, 3\]"),
        (torch.zeros(1, 3), "expected more than neighbours=6 points at all levels, got 1"),
        (torch.zeros(6, 3), "expected more than neighbours=6 points at all levels, got 6"),
        (
            torch.zeros(9, 3),
            "expected more than neighbours=6 points at all levels, got 9, of which 6 are left at level 1",
        ),
        (torch.zeros(60, 2), r"expected shape \[N, 3\] or \[B, N, 3\], got \[60, 2\]"),
        (torch.zeros(3), r"expected shape \[N, 3\] or \[B, N, 3\], got \[3\]"),
        (torch.zeros(1, 1, 60, 3), r"expected shape \[N, 3\] or \[B, N, 3\], got \[1, 1, 60, 3\]"),
        (torch.zeros(60, 3).double(), "expected torch.float32, the dtype of the network, got torch.float64"),
        (torch.zeros(60, 3).long(), "expected torch.float32, the dtype of the network, got torch.int64"),
        (torch.full((60, 3), torch.nan), "expected finite coordinates, got 180 that are NaN or infinite"),
        (torch.tensor([[torch.inf, 0, 0]] * 60), "expected finite coordinates, got 60 that are NaN or infinite"),
        ([[0.0, 0.0, 0.0]], "expected a tensor, got list"),
    ],
)
def test_what_is_no_cloud_is_an_error(points, message):
    with pytest.raises(ValueError, match=f"^positions: {message}$"):
        network().float()(points)


def test_a_half_precision_network_is_an_error():
    with pytest.raises(ValueError, match=r"positions: expected a network of torch\.float32 or torch\.float64"):
        network().half()(torch.zeros(60, 3).half())


def test_settings_of_another_kind_are_refused():
    with pytest.raises(ValueError, match=r"config: expected an SE3UnetConfig, see SE3UnetConfig\.from_dict, got \{"):
        SE3Unet({"levels": 1})
