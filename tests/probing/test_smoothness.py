"""Distances, cosines and effective beta of gradients, against their formulas in float64."""

import numpy as np
import pytest
import torch

from bn_core.probing import smoothness as measures


def vectors(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def test_distance_and_cosine_are_those_of_the_formulas():
    first, second = vectors(2, 3, 11)
    found = measures.gradient_distance(first, second), measures.cosine(first, second)
    for k in range(3):
        a, b = first[k].numpy(), second[k].numpy()
        assert float(found[0][k]) == pytest.approx(np.sqrt(((a - b) ** 2).sum()), rel=1e-12)
        expected = a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)
        assert float(found[1][k]) == pytest.approx(expected, rel=1e-12)


def test_the_cosine_of_vanished_gradients_is_right_and_of_none_at_all_is_no_number():
    first, second = vectors(2, 1, 11)
    tiny = measures.cosine((first * 1e-30).float(), (second * 1e-30).float())
    assert float(tiny) == pytest.approx(float(measures.cosine(first, second)), rel=1e-5)
    assert measures.cosine(first, 0 * second).isnan().all()


def test_beta_is_the_largest_change_of_the_gradient_per_way():
    gradient, moved = vectors(3, 11), vectors(4, 3, 11) * 2
    sizes = torch.tensor([0.05, 0.1, 0.2, 0.4], dtype=torch.float64)
    found = measures.effective_beta(gradient, moved, sizes)
    largest = measures.largest_distance(gradient, moved)
    for k in range(3):
        changes = np.sqrt(((moved[:, k] - gradient[k]).numpy() ** 2).sum(axis=1))
        way = sizes.numpy() * np.sqrt((gradient[k].numpy() ** 2).sum())
        assert float(found[k]) == pytest.approx((changes / way).max(), rel=1e-12)
        assert float(largest[k]) == pytest.approx(changes.max(), rel=1e-12)


def test_on_a_parabola_beta_is_its_curvature():
    slope = vectors(1, 5)  # of L = 3/2 |theta|^2: g = 3 theta, so g(theta - eta g) = (1 - 3 eta) g
    sizes = torch.tensor([0.05, 0.4], dtype=torch.float64)
    moved = torch.stack([(1 - 3 * size) * slope for size in sizes])
    assert float(measures.effective_beta(slope, moved, sizes)) == pytest.approx(3, rel=1e-12)


def test_vectors_keep_replicas_apart():
    weight, flat = torch.arange(12.0).view(2, 3, 2), torch.tensor([1.0, 2.0, 3.0, 4.0])
    found = measures.as_vectors([weight, flat], 2)
    assert found.tolist() == [[*range(6), 1, 2], [*range(6, 12), 3, 4]]
