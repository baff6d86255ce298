"""NHFs of densities known up to a constant: what they learn, weigh and carry samplers to, and what they refuse."""

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from hgn_tf.models import NHF, NHFConfig
from hgn_tf.models.watch import NotFinite

SMALL = NHFConfig(event_size=1, hidden=(8,), encoder_hidden=(8,), num_steps=1, frequency=1.0, learning_rate=2e-2)
SCALE, LOG_INTEGRAL = 0.5, 0.5 * np.log(2 * np.pi) + np.log(0.5) + 3.0


def log_density(x):
  """N(1, 1/4) times a constant."""
  return 3.0 - tf.reduce_sum((x - 1.0) ** 2, -1) / (2 * SCALE ** 2)


@functools.cache
def trained():
  keras.utils.set_random_seed(0)
  model = NHF(SMALL)
  return model, model.fit_to(log_density, steps=300, batch_size=64, verbose=0)


class KnownDensityTest(tf.test.TestCase, parameterized.TestCase):

  def test_learns_the_target(self):
    model, losses = trained()
    self.assertEqual(losses.shape, (300,))
    self.assertAllClose(np.mean(losses[-50:]), -LOG_INTEGRAL, atol=0.1)
    points = model.sample(5000, seed=0)
    self.assertAllClose([np.mean(points), np.std(points)], [1.0, SCALE], atol=0.1)

  def test_weights_estimate_the_integral_and_the_mean(self):
    model, _ = trained()
    points, log_weights = model.importance_sample(log_density, 5000, seed=0)
    self.assertAllClose(tf.reduce_logsumexp(log_weights) - np.log(5000), LOG_INTEGRAL, atol=0.02)
    shares = tf.nn.softmax(log_weights)
    self.assertAllClose(tf.reduce_sum(shares * points[:, 0]), 1.0, atol=0.03)
    self.assertGreater(1 / np.sum(shares ** 2), 3000)
    untrained = NHF(SMALL).importance_sample(log_density, 20_000, seed=0)[1]
    self.assertAllClose(tf.reduce_logsumexp(untrained) - np.log(20_000), LOG_INTEGRAL, atol=0.1)

  def test_phase_space_is_the_models_own(self):
    model, _ = trained()
    model = NHF.from_config(model.get_config())
    model.set_weights(trained()[0].get_weights())
    model.adapt(np.random.default_rng(0).normal(3.0, 2.0, (100, 1)).astype(np.float32))
    start = model.prior.sample(6, seed=(0, 1))
    states = tf.identity(model.phase_bijector().forward(start))
    self.assertAllClose(states[:, :1], model.generate(start), atol=1e-5)
    self.assertAllClose(model.phase_bijector().inverse(states), start, atol=1e-5)
    log_det = model.phase_bijector().forward_log_det_jacobian(start, 1)
    self.assertAllClose(log_det, model.log_volume(states[:, :1]), atol=1e-5)
    grid = np.linspace(-30, 30, 3001, dtype=np.float32)[:, None]
    target = model.phase_log_prob(log_density)(tf.concat([np.full_like(grid, 0.7), grid], 1))
    self.assertAllClose(tf.reduce_logsumexp(target) + np.log(0.02), log_density(tf.constant([[0.7]]))[0], atol=1e-3)

  def test_hmc_in_its_coordinates(self):
    model, _ = trained()
    inner = tfp.mcmc.HamiltonianMonteCarlo(model.phase_log_prob(log_density), step_size=0.5, num_leapfrog_steps=3)
    kernel = tfp.mcmc.TransformedTransitionKernel(inner, model.phase_bijector())
    draw = tf.function(lambda: tfp.mcmc.sample_chain(
        100, model.phase_bijector().forward(model.prior.sample(20, seed=(0, 1))), kernel=kernel, seed=(0, 2),
        trace_fn=None), autograph=False)
    points = draw()[..., 0]
    self.assertAllClose([np.mean(points), np.std(points)], [1.0, SCALE], atol=0.05)

  def test_joint_targets(self):
    keras.utils.set_random_seed(0)
    model = NHF(dataclasses.replace(SMALL, joint=True))
    losses = model.fit_to(log_density, steps=20, batch_size=64, annealing=0.0)
    self.assertLess(np.mean(losses[-5:]), np.mean(losses[:5]))
    self.assertEqual(model.importance_sample(log_density, 5, seed=0)[0].shape, (5, 2))


class BadInputTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      (lambda x: x, r"one number for each point, shape \(8,\), got \(8, 1\)"),
      (lambda x: tf.reduce_sum(x), r"got \(\) of points of shape \(8, 1\)"),
      (lambda x: x[:, 0] * np.nan, "must be finite where the model starts, got NaN or infinity at 8 of 8 points"),
      (lambda x: tf.math.log(tf.zeros_like(x[:, 0])), "must be finite where the model starts"))
  def test_log_density(self, log_density, message):
    with self.assertRaisesRegex(ValueError, message):
      NHF(SMALL).fit_to(log_density, steps=2, batch_size=8)

  def test_an_improper_target_stops_with_the_step(self):
    with self.assertRaisesRegex(NotFinite, r"The loss became .* at step \d+: log_density"):
      NHF(dataclasses.replace(SMALL, learning_rate=1.0)).fit_to(
          lambda x: tf.reduce_sum(x ** 8, -1), steps=200, batch_size=8, annealing=0.0)

  def test_arguments(self):
    with self.assertRaisesRegex(ValueError, "fit_to takes no conditional model, got context_size=2"):
      NHF(dataclasses.replace(SMALL, context_size=2)).fit_to(log_density)
    with self.assertRaisesRegex(ValueError, r"annealing must be in \[0, 1\], a part of the steps, got 2.0"):
      NHF(SMALL).fit_to(log_density, annealing=2.0)
    with self.assertRaisesRegex(ValueError, "n must be at least 1, got 0"):
      NHF(SMALL).importance_sample(log_density, 0)


if __name__ == "__main__":
  tf.test.main()
