"""The mixture that momenta are drawn from: its density, its strata, and an NHF that has it for an encoder."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.flows.mixture import GaussianMixture, numbers_per_component
from hgn_tf.models import NHF, presets


def mixture(size=2, components=3, batch=2, dtype="float64"):
  numbers = np.random.default_rng(0).normal(size=(batch, components * numbers_per_component(size)))
  return GaussianMixture(tf.constant(numbers, dtype), size, components, 6.0)


class MixtureTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(1, 2, 3)
  def test_log_prob_is_that_of_the_tfp_distribution(self, size):
    found, p = mixture(size), tf.constant(np.random.default_rng(1).normal(size=(2, 7, size)))
    expected = tf.transpose(found.distribution().log_prob(tf.transpose(p, [1, 0, 2])))
    self.assertAllClose(found.log_prob(p), expected, rtol=1e-12)

  def test_draws_of_a_component_follow_it(self):
    found = mixture()
    p, _ = found.draw(tf.random.stateless_normal([2, 30_000, 2], (0, 1), dtype=tf.float64))
    for m in range(3):
      matrix = found.distribution().components_distribution.scale.to_dense()[:, m]
      self.assertAllClose(tf.reduce_mean(p[:, m::3], 1), found.mean[:, m], atol=0.3)
      drawn = np.stack([np.cov(rows.T) for rows in p[:, m::3].numpy()])
      self.assertAllClose(drawn, matrix @ tf.linalg.matrix_transpose(matrix), rtol=0.1, atol=0.1)

  @parameterized.parameters((3, 1.0), (4, 1.0), (2, None))
  def test_strata_estimate_integrals(self, draws, whole):
    found = mixture()
    noise = tf.random.stateless_normal([2, 20_000 * draws, 2], (0, 1), dtype=tf.float64)
    flat = tf.reshape(noise, [2 * 20_000, draws, 2])  # so many estimates of each mixture
    again = GaussianMixture(tf.repeat(numbers(found), 20_000, axis=0), 2, 3, 6.0)
    p, log_weight = again.draw(flat)
    g = tf.exp(-tf.reduce_sum(p ** 2, -1) / 2) / (2 * np.pi)  # integrates to 1
    estimates = tf.reduce_mean(tf.reshape(tf.reduce_mean(g / tf.exp(log_weight), 1), [2, -1]), 1)
    if whole is None:  # the third component is left out, and with it what it would have found
      self.assertAllLess(estimates, 1.0)
    else:
      self.assertAllClose(estimates, [whole, whole], rtol=0.05)

  def test_nhf_integrates_to_one(self):
    keras.utils.set_random_seed(0)
    model = NHF(presets.get("nhf_mixture", hidden=(8,), encoder_hidden=(8,), frequency=2.0))
    axis = np.linspace(-6, 6, 61)[:-1] + 0.1
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    density = np.exp(model.log_prob(grid, num_samples=64, seed=0))
    self.assertAllClose(density.sum() * 0.04, 1.0, atol=0.03)
    copy = NHF.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    self.assertAllClose(copy.log_prob(grid[:9], seed=0), model.log_prob(grid[:9], seed=0), atol=1e-5)

  def test_refuses(self):
    with self.assertRaisesRegex(ValueError, "encoder must be one of normal, mixture, got 'flow'"):
      dataclasses.replace(presets.get("nhf"), encoder="flow")
    with self.assertRaisesRegex(ValueError, "components must be at least 1, got 0"):
      dataclasses.replace(presets.get("nhf"), components=0)


def numbers(found):
  """What a mixture was made of."""
  log_scale = 6.0 * tf.math.atanh(found.log_scale / 6.0)
  parts = tf.concat([found.mean, log_scale, found.lower, found.log_share[..., None]], -1)
  return tf.reshape(parts, [parts.shape[0], -1])


if __name__ == "__main__":
  tf.test.main()
