import functools

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tiny

from hgn_tf.models import HGN, objectives


class KLTest(tf.test.TestCase):

  def test_by_hand(self):
    # 0.5 (4 + e^2 - 1) - 1 for mean 2 and std e
    self.assertAllClose(objectives.gaussian_kl(tf.constant([[2.0]]), tf.constant([[1.0]])), [0.5 * (3 + np.e ** 2) - 1])

  def test_zero_for_the_prior(self):
    self.assertAllEqual(objectives.gaussian_kl(tf.zeros((3, 2, 2)), tf.zeros((3, 2, 2))), [0.0] * 3)

  def test_against_tfp(self):
    mean, log_std = tf.unstack(tf.random.stateless_normal((2, 4, 3, 2), (0, 1)))
    normal = tfp.distributions.Independent(tfp.distributions.Normal(mean, tf.exp(log_std)), 2)
    prior = tfp.distributions.Independent(tfp.distributions.Normal(tf.zeros_like(mean), 1.0), 2)
    expected = tfp.distributions.kl_divergence(normal, prior)
    self.assertAllClose(objectives.gaussian_kl(mean, log_std), expected, rtol=1e-5)


class SquaredErrorTest(tf.test.TestCase):

  def test_by_hand(self):
    frames = tf.zeros((2, 2, 1, 1, 1))
    prediction = tf.reshape(tf.constant([1.0, 2.0, 3.0, 4.0]), (2, 2, 1, 1, 1))
    self.assertAllClose(objectives.squared_error(prediction, frames), 7.5)
    self.assertAllClose(objectives.squared_error(prediction, frames, tf.constant([[1.0, 0.0], [1.0, 0.0]])), 5.0)


class GecoTest(tf.test.TestCase):

  def test_loss_by_hand(self):
    self.assertAllClose(objectives.geco_loss(mse=0.5, kl=0.25, multiplier=10.0, kappa=0.2), 3.25)

  def update(self, multiplier, average, mse, **changes):
    settings = {**dict(kappa=0.1, rate=0.5, decay=0.9, bounds=(1.0, 100.0)), **changes}
    return [float(x) for x in objectives.geco_update(multiplier, average, mse, **settings)]

  def test_update_by_hand(self):
    multiplier, average = self.update(10.0, 0.02, 0.15)
    self.assertAllClose(average, 0.9 * 0.02 + 0.1 * 0.05)
    self.assertAllClose(multiplier, 10.0 * np.exp(0.5 * 0.23), rtol=1e-6)

  def test_rises_while_violated_and_falls_while_met(self):
    self.assertGreater(self.update(10.0, 0.0, 1.0)[0], 10.0)
    self.assertLess(self.update(10.0, 0.0, 0.01)[0], 10.0)

  def test_bounds(self):
    self.assertEqual(self.update(99.0, 5.0, 5.0)[0], 100.0)
    self.assertEqual(self.update(1.0, -0.1, 0.0)[0], 1.0)

  def test_one_step_changes_it_by_at_most_the_rate(self):
    self.assertAllClose(self.update(10.0, 1e3, 1e3)[0], 10.0 * np.exp(0.5), rtol=1e-6)


def keys(rows, frames):
  return tf.random.stateless_uniform([rows, frames], (3, 1))


class DrawFramesTest(tf.test.TestCase):

  def test_distinct_within_the_horizon(self):
    indices, weights = objectives.draw_frames(keys(200, 9), 4, tf.range(9) < 6)
    self.assertAllEqual(weights, tf.ones((200, 4)))
    for row in indices.numpy():
      self.assertLen(set(row), 4)
      self.assertLess(max(row), 6)

  def test_short_horizon_gives_weight_zero(self):
    indices, weights = objectives.draw_frames(keys(50, 9), 4, tf.range(9) < 2)
    self.assertAllEqual(tf.reduce_sum(weights, 1), [2.0] * 50)
    self.assertAllEqual(tf.cast(indices < 2, tf.float32), weights)

  def test_every_frame_equally_often(self):
    indices, _ = objectives.draw_frames(keys(20_000, 5), 2, tf.range(5) < 5)
    share = np.bincount(indices.numpy().ravel(), minlength=5) / 20_000
    self.assertAllClose(share, [0.4] * 5, atol=0.02)

  def test_subsampled_gradient_is_unbiased(self):
    settings = dict(horizon_steps=0, deterministic=True, kl_warmup=None)
    full, some = HGN(tiny.config(frames_per_step=None, **settings)), HGN(tiny.config(frames_per_step=2, **settings))
    some.set_weights(full.get_weights())
    frames = tf.random.stateless_uniform((2, *full.config.frame_shape), (0, 5))

    @functools.partial(tf.function, autograph=False)
    def gradient(model, step):
      with tf.GradientTape() as tape:
        _, _, loss = model.objective(frames, step)
      gradients = tape.gradient(loss, model.trainable_variables, unconnected_gradients="zero")
      return tf.concat([tf.reshape(g, [-1]) for g in gradients], 0)

    exact = gradient(full, tf.constant(0)).numpy()
    draws = np.stack([gradient(some, tf.constant(i)).numpy() for i in range(300)])
    error = draws.mean(0) - exact
    self.assertLess(np.linalg.norm(error), 5 * np.linalg.norm(draws.std(0)) / np.sqrt(len(draws)))
    self.assertLess(np.linalg.norm(error), 0.2 * np.linalg.norm(exact))
