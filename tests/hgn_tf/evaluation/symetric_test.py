"""SyMetric on maps whose answer is known."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.evaluation.symetric import symetric, symplectic_form, symplecticity


def orbits(d, n=16, steps=40):
  """(q, p) along motions of d oscillators of different frequencies, [n, steps, 2d]."""
  rng, time = np.random.default_rng(0), np.arange(steps)
  radius, phase = rng.uniform(0.3, 1.5, (n, 1, d)), rng.uniform(0, 6.3, (n, 1, d))
  angle = phase + 0.2 * time[:, None] * (1.0 + 0.37 * np.arange(d))
  return np.concatenate([radius * np.cos(angle), -radius * np.sin(angle)], axis=-1)


def sheared(x):
  """A symplectic map: p - dV/dq, then q + dT/dp, V = |q|^4 / 20 and T = (sum of p)^2 / 10."""
  q, p = np.split(x, 2, axis=-1)
  p = p - 0.2 * q * np.sum(q ** 2, axis=-1, keepdims=True)
  return np.concatenate([q + 0.2 * np.sum(p, axis=-1, keepdims=True), p], axis=-1)


def turned(x):
  """Every pair (q_i, p_i) turned by its own angle, and all of it three times as large."""
  q, p = np.split(x, 2, axis=-1)
  angle = 0.7 + np.arange(q.shape[-1])
  return 3.0 * np.concatenate([q * np.cos(angle) + p * np.sin(angle), p * np.cos(angle) - q * np.sin(angle)], axis=-1)


def stretched(x):
  """One pair is stretched, the other is not."""
  return x * np.array([1.0, 3.0, 1.0, 1.0])


def exchanged(x):
  """q_2 and p_1 exchanged: areas of the pairs are lost."""
  return x[..., [0, 2, 1, 3]]


def cubed(x):
  """Areas grow with the distance from the origin."""
  return x * (0.2 + np.sum(x ** 2, axis=-1, keepdims=True))


class SyMetricTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters((1, sheared), (2, sheared), (1, turned), (2, turned))
  def test_is_1_of_symplectic_maps(self, d, to_true):
    learned = orbits(d)
    found = symetric(learned, to_true(learned))
    self.assertGreater(found.r2, 0.9)
    self.assertLess(found.sym, 0.05)
    self.assertEqual(found.score, 1)

  @parameterized.parameters((2, stretched), (1, cubed))
  def test_is_0_of_others_that_can_be_read(self, d, to_true):
    learned = orbits(d)
    found = symetric(learned, to_true(learned))
    self.assertGreater(found.r2, 0.9)
    self.assertGreater(found.sym, 0.05)
    self.assertEqual(found.score, 0)

  def test_the_published_measure_does_not_see_orthogonal_maps(self):
    learned = orbits(2)
    self.assertEqual(symetric(learned, exchanged(learned)).score, 1)

  def test_is_0_where_the_state_is_not_there(self):
    found = symetric(np.random.default_rng(1).normal(size=(16, 40, 2)), orbits(1))
    self.assertLess(found.r2, 0.1)
    self.assertEqual(found.score, 0)

  def test_pairs_that_say_nothing_are_left_out(self):
    true = orbits(1)
    noise = np.random.default_rng(1).normal(size=true.shape)
    learned = np.stack([true[..., 0], noise[..., 0], true[..., 1], noise[..., 1]], axis=-1)
    self.assertEqual(symetric(learned, turned(true), keep=[True, False]).score, 1)

  def test_symplecticity(self):
    rng = np.random.default_rng(0)
    generator = rng.normal(size=(5, 4, 4))
    generator = generator + np.swapaxes(generator, 1, 2)
    exact = np.linalg.inv(np.eye(4) - 0.05 * symplectic_form(2) @ generator) @ (
        np.eye(4) + 0.05 * symplectic_form(2) @ generator)  # Cayley
    self.assertLess(symplecticity(2.5 * exact), 1e-20)
    self.assertGreater(symplecticity(exact * np.array([1.0, 2.0, 1.0, 2.0])), 0.05)
    self.assertEqual(symplecticity(np.zeros((2, 4, 4))), np.inf)

  @parameterized.parameters(
      (np.zeros((5, 9, 2)), np.zeros((5, 8, 2)), {}, "states of the same films"),
      (np.zeros((5, 9, 3)), np.zeros((5, 9, 2)), {}, "states of the same films"),
      (np.zeros((3, 9, 2)), np.zeros((3, 9, 2)), {}, "at least 4 films, got 3"),
      (np.zeros((5, 9, 4)), np.zeros((5, 9, 2)), dict(keep=[False, False]), "one of them True"),
      (np.zeros((5, 9, 4)), np.zeros((5, 9, 2)), dict(keep=[True]), "keep must be 2 of True and False"))
  def test_refuses(self, learned, true, options, message):
    with self.assertRaisesRegex(ValueError, message):
      symetric(learned, true, **options)


if __name__ == "__main__":
  tf.test.main()
