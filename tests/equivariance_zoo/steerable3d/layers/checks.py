"""Layers away from their first weights, random fields, and what commuting with rotations means."""

import torch

from tests.equivariance_zoo.steerable3d.rotations import turned

IN, OUT = "2x0e + 2x1e + 1x2e", "3x0e + 2x1e + 1x2e"
ODD = "2x0e + 1x0o + 2x1o + 1x1e + 1x2e"


def moved(module):
    """The module with parameters and statistics away from their first values."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        for name, buffer in module.named_buffers():
            buffer.add_(torch.rand_like(buffer) if name == "running_var" else torch.randn_like(buffer))
    return module.eval()


def fields(irreps, size, batch=2):
    from e3nn import o3

    return torch.randn(batch, o3.Irreps(irreps).dim, size, size, size)


def check(module, irreps_in, irreps_out, size, matrices, grid=True):
    given = fields(irreps_in, size)
    expected = module(given)
    for matrix in matrices:
        found = module(turned(given, irreps_in, matrix))
        wanted = turned(expected, irreps_out, matrix) if grid else expected
        assert (found - wanted).norm() < 1e-13 * wanted.norm()
