import numpy as np
import pytest

from equivariance_zoo.scenes.photograph import (
    Degradation,
    encode,
    encode_rgba,
    jpeg,
    over,
    random_background,
    random_occluder,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_backgrounds_are_smooth_and_differ():
    one, again, other = random_background(rng(), 32), random_background(rng(), 32), random_background(rng(1), 32)
    assert one.shape == (32, 32, 3)
    assert np.array_equal(one, again)
    assert np.abs(one - other).mean() > 0.02
    assert np.abs(np.diff(one, axis=0)).max() < 0.2
    assert one.min() >= 0
    assert one.max() <= 1


def test_a_background_is_seen_where_nothing_covers_it():
    back = random_background(rng(), 4)
    front = np.zeros((4, 4, 4), np.float32)
    assert np.array_equal(over(front, back), back)
    front[..., 3] = 1
    assert not over(front, back).any()


def test_occluders_hide_a_part_of_the_box():
    covers = []
    for seed in range(30):
        occluder = random_occluder(rng(seed), (16, 16, 48, 48), 64)
        assert occluder.shape == (64, 64, 4)
        assert (occluder[..., :3] <= occluder[..., 3:] * 1.2).all()
        covers.append(occluder[16:48, 16:48, 3].mean())
    assert 0.05 < np.mean(covers) < 0.6
    assert max(covers) < 0.99


def test_linear_values_are_encoded():
    assert encode(np.array([0, 0.5**2.2, 1, 2], np.float32)).tolist() == [0, 128, 255, 255]


def test_colours_are_straight_behind_a_cover():
    picture = np.array([[[0.25, 0.25, 0.25, 0.5], [0, 0, 0, 0]]], np.float32)
    assert encode_rgba(picture)[0].tolist() == [[*encode(np.full(3, 0.5)), 128], [0, 0, 0, 0]]


def test_degradations_come_from_their_generator_and_settings():
    picture = encode(random_background(rng(), 32))
    assert np.array_equal(Degradation().apply(rng(3), picture), Degradation().apply(rng(3), picture))
    assert np.array_equal(Degradation(0, 0, 95, 0, 0).apply(rng(), picture), picture)
    noise = [(Degradation(0, 20, 95, 0, 0).apply(rng(s), picture).astype(float) - picture).std() for s in range(20)]
    assert max(noise) < 20
    assert np.mean(noise) > 5


def test_blur_and_compression_change_a_picture_of_noise():
    picture = rng().integers(0, 256, (32, 32, 3)).astype(np.uint8)
    blurred = [Degradation(8, 0, 95, 1, 0).apply(rng(seed), picture).std() for seed in range(10)]
    assert np.median(blurred) < 0.6 * picture.std()
    assert not np.array_equal(jpeg(picture, 40), picture)
    assert np.abs(jpeg(picture // 8 * 0 + 100, 40).astype(int) - 100).max() <= 1


def test_degradations_out_of_range_are_refused():
    with pytest.raises(ValueError, match="quality: expected a number from 1 to 95, got 99"):
        Degradation(quality=99)
