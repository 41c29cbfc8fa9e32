"""Lists in different orders: the place is where the second order was made, and the statement that joins is told."""

import inspect

import pytest
import torch
from torch import nn

import equivariance as eq

NODES = {"nodes": 0, "batch": None}
SCALARS, POINTS = eq.Invariant(**NODES), eq.CartesianPoints(**NODES)


def line_of(mark):
    """The number of the line of this file that ends in a mark."""
    source = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    (found,) = [number for number, line in enumerate(source, 1) if line.endswith(f"# {mark}")]
    return found


class Pairs(nn.Module):
    """Gives edges in the order of the rows of a table, and lengths in the order of an upper triangle."""

    def forward(self, pos):
        edges = (1 - torch.eye(len(pos))).nonzero().T
        i, j = torch.triu_indices(len(pos), len(pos), 1)
        length = (pos[i] - pos[j]).norm(dim=-1)
        return edges, torch.cat([length, length])  # order: Pairs


class SoundPairs(nn.Module):
    def forward(self, pos):
        i, j = torch.triu_indices(len(pos), len(pos), 1)
        length = (pos[i] - pos[j]).norm(dim=-1)
        return torch.stack([torch.cat([i, j]), torch.cat([j, i])]), torch.cat([length, length])


class Sorted(nn.Module):
    """Sorts the lengths of all pairs, but not the pairs."""

    def forward(self, pos):
        edges = (1 - torch.eye(len(pos))).nonzero().T
        length = (pos[edges[0]] - pos[edges[1]]).norm(dim=-1)
        return edges, length.sort().values  # order: Sorted


class SoundSorted(nn.Module):
    """Sorts the lengths of all pairs, and the pairs with them."""

    def forward(self, pos):
        edges = (1 - torch.eye(len(pos))).nonzero().T
        length, order = (pos[edges[0]] - pos[edges[1]]).norm(dim=-1).sort(stable=True)
        return edges[:, order], length


class Network(nn.Module):
    def __init__(self, pairs):
        super().__init__()
        self.pairs = pairs

    def forward(self, q, pos):
        (i, j), length = self.pairs(pos)
        return torch.zeros_like(q).index_add(0, i, q[j] / (1 + length))  # joined


def diagnosed(pairs):
    torch.manual_seed(0)
    args = (torch.rand(6), torch.randn(6, 3))
    return eq.diagnose(Network(pairs), args, [SCALARS, POINTS], SCALARS, group="permutation")


@pytest.mark.parametrize("pairs", [Pairs, Sorted])
def test_the_place_is_where_the_second_order_was_made(pairs):
    (finding,) = diagnosed(pairs()).findings
    assert finding.mechanism == "joined-orders"
    assert (finding.location.line, finding.located) == (line_of(f"order: {pairs.__name__}"), "suspect")
    assert [other.line for other in finding.alternatives] == [line_of("joined")]
    assert finding.chain in ("pairs", "")


@pytest.mark.parametrize("pairs", [SoundPairs, SoundSorted])
def test_lists_in_one_order_are_sound(pairs):
    assert diagnosed(pairs()).ok
