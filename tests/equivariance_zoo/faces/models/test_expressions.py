import numpy as np

from equivariance_zoo.faces.models.expressions import name_of_expression, random_expression

PAIRS = (("mouthSmile_L", "mouthSmile_R"), ("browDownLeft", "browDownRight"))
NAMES = ("jawOpen", "jawLeft", "jawRight", "mouthClose", *PAIRS[0], *PAIRS[1])


def drawn(count=400):
    return [random_expression(NAMES, np.random.default_rng(seed)) for seed in range(count)]


def test_weights_are_within_their_range_and_some_move_alone():
    expressions = drawn()
    assert all(0.3 <= weight <= 1 for weights in expressions for weight in weights.values())
    assert {len(weights) for weights in expressions} == {1, 2, 3, 4, 5}


def test_sides_move_alike_or_one_alone():
    for left, right in PAIRS:
        pairs = [(w.get(left), w.get(right)) for w in drawn() if left in w or right in w]
        alone = [pair for pair in pairs if None in pair]
        assert all(a == b for a, b in pairs if None not in (a, b))
        assert 0.15 < len(alone) / len(pairs) < 0.35


def test_the_jaw_does_not_go_both_ways_for_being_a_pair():
    both = [weights for weights in drawn() if {"jawLeft", "jawRight"} <= set(weights)]
    assert not [weights for weights in both if weights["jawLeft"] == weights["jawRight"]]


def test_lips_are_not_pushed_through_each_other():
    assert not any("mouthClose" in weights for weights in drawn())


def test_an_expression_is_named_after_its_movements():
    assert name_of_expression({"jawOpen": 0.5, "browDownLeft": 1}) == "jawOpen:0.50+browDownLeft:1.00"
    assert name_of_expression({}) == "neutral"
