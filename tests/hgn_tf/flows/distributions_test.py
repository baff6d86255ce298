"""The soft-uniform prior and the target densities against quadrature and their own samples."""

import numpy as np
import scipy.special
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from hgn_tf.flows.distributions import TARGETS, SoftUniform, Twist, target


def grid(extent, n):
  axis = np.linspace(-extent, extent, n + 1)[:-1] + extent / n
  return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32), (2 * extent / n) ** 2


class SoftUniformTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(width=[0.5, 3.0], sharpness=[0.7, 5.0, 40.0], dtype=[np.float32, np.float64])
  def test_log_prob(self, width, sharpness, dtype):
    dist = SoftUniform(dtype(width), dtype(sharpness))
    s = np.linspace(-30, 30, 60_001, dtype=dtype)
    density = np.exp(dist.log_prob(s), dtype=np.float64)
    self.assertEqual(dist.dtype, dtype)
    self.assertAllClose(density.sum() * 1e-3, 1.0, atol=1e-4)
    self.assertAllClose((density * s**2).sum() * 1e-3, dist.variance(), rtol=1e-3)
    shape = scipy.special.expit(sharpness * (s + width / 2)) * scipy.special.expit(-sharpness * (s - width / 2))
    self.assertAllClose(density / density.max(), shape / shape.max(), atol=1e-5)

  def test_samples_follow_log_prob(self):
    dist = SoftUniform(2.0, 4.0)
    s = np.linspace(-10, 10, 20_001)
    cumulative = np.cumsum(np.exp(dist.log_prob(s))) * 1e-3
    samples = dist.sample(20_000, seed=(1, 2))
    self.assertGreater(scipy.stats.kstest(samples, lambda x: np.interp(x, s, cumulative)).pvalue, 1e-3)
    self.assertAllEqual(samples, dist.sample(20_000, seed=(1, 2)))

  def test_far_tails_are_finite(self):
    value, gradient = tfp.math.value_and_gradient(SoftUniform(1.0, 10.0).log_prob, tf.constant([-1e6, 0.0, 1e6]))
    self.assertAllClose(value, [-1e7, 2 * np.log(1 / (1 + np.exp(-5.0))) - np.log(1 / (1 - np.exp(-10.0))), -1e7])
    self.assertAllClose(gradient, [10.0, 0.0, -10.0])

  def test_batch_shapes(self):
    dist = SoftUniform([1.0, 2.0, 3.0], [[1.0], [5.0]])
    self.assertEqual(dist.batch_shape, (2, 3))
    self.assertEqual(dist.sample(7, seed=(0, 0)).shape, (7, 2, 3))
    self.assertEqual(tfp.distributions.Sample(SoftUniform(), 4).log_prob(tf.zeros([5, 4])).shape, (5,))

  @parameterized.parameters(("width", -1.0), ("sharpness", 0.0))
  def test_refuses_what_is_not_positive(self, name, value):
    with self.assertRaisesRegex(ValueError, f"{name} must be positive, got {value}"):
      SoftUniform(**{name: value})


class TargetTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*TARGETS)
  def test_density_integrates_to_one_and_samples_follow_it(self, name):
    dist = target(name)
    points, cell = grid(6.0, 240)
    density = np.exp(dist.log_prob(points))
    self.assertAllClose(density.sum() * cell, 1.0, atol=2e-3)
    samples = dist.sample(20_000, seed=(3, 4)).numpy()
    self.assertEqual(samples.shape, (20_000, 2))
    entropy = -(density * np.log(np.maximum(density, 1e-30))).sum() * cell
    self.assertAllClose(-np.mean(dist.log_prob(samples)), entropy, atol=0.05)
    edges = np.linspace(-6, 6, 13)
    share = np.histogram2d(samples[:, 1], samples[:, 0], (edges, edges))[0] / len(samples)
    expected = density.reshape(12, 20, 12, 20).sum((1, 3)) * cell
    self.assertAllClose(share, expected, atol=0.012)

  def test_number_of_modes(self):
    for count in (2, 4, 8, 9):
      self.assertEqual(target(f"gaussians{count}").components_distribution.batch_shape, (count,))

  def test_twist_preserves_volume_and_inverts(self):
    x = tf.constant([[0.3, -0.7], [2.0, 1.0]])
    with tf.GradientTape() as tape:
      tape.watch(x)
      y = Twist(0.5).forward(tf.identity(x))
    self.assertAllClose(tf.linalg.det(tape.batch_jacobian(y, x)), [1.0, 1.0], atol=1e-5)
    self.assertAllClose(Twist(0.5).inverse(tf.identity(y)), x, atol=1e-5)

  def test_unknown_name(self):
    with self.assertRaisesRegex(ValueError, "Unknown target name='nosuch'; known: gaussians2"):
      target("nosuch")


if __name__ == "__main__":
  tf.test.main()
