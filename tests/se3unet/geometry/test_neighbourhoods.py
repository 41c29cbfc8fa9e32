import pytest
import torch

from se3unet.geometry.neighbourhoods import gathered_sums, products_and_squares, weighted_sums

pytestmark = pytest.mark.numeric

GENERATOR = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64).requires_grad_()


def test_products_and_squares():
    queries, keys = normal(3, 2, 4), normal(3, 2, 4, 5)
    products, squares = products_and_squares(queries, keys)
    torch.testing.assert_close(products, torch.einsum("xhn,xhnk->nkh", queries, keys))
    torch.testing.assert_close(squares, torch.einsum("xhnk,xhnk->nkh", keys, keys))
    assert torch.autograd.gradcheck(products_and_squares, (queries, keys))
    assert torch.autograd.gradgradcheck(products_and_squares, (queries, keys))


def test_weighted_sums():
    weights, values = normal(4, 5, 2), normal(3, 2, 4, 5)
    torch.testing.assert_close(weighted_sums(weights, values), torch.einsum("nkh,xhnk->xhn", weights, values))
    assert torch.autograd.gradcheck(weighted_sums, (weights, values))
    assert torch.autograd.gradgradcheck(weighted_sums, (weights, values))


def test_gathered_sums():
    weights, feature = normal(2, 4, 3), normal(2, 5, 2, 3)
    neighbours = torch.randint(0, 5, (2, 4, 3), generator=GENERATOR)
    gathered = torch.stack([sample[rows] for sample, rows in zip(feature, neighbours, strict=True)])
    expected = torch.einsum("bnk,bnkcm->bncm", weights, gathered)
    torch.testing.assert_close(gathered_sums(weights, feature, neighbours), expected)
    assert torch.autograd.gradcheck(lambda w, f: gathered_sums(w, f, neighbours), (weights, feature))
