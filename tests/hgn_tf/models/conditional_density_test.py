"""NHFs of states and of contexts: exact densities, what is conditioned on, gaps of bounds, files and bad input."""

import dataclasses
import functools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.models import NHF, NHFConfig

SMALL = NHFConfig(hidden=(8,), encoder_hidden=(8,), num_steps=1, train_samples=4, steps=150, batch_size=64,
                  frequency=1.0, learning_rate=2e-2)
CONFIGS = {
    "joint": dataclasses.replace(SMALL, event_size=1, joint=True, num_steps=2),
    "conditional": dataclasses.replace(SMALL, event_size=1, context_size=2),
    "both": dataclasses.replace(SMALL, event_size=1, context_size=2, joint=True),
}


def data(name, n=320):
  """Points around sums of their contexts, or states along a parabola."""
  rng, config = np.random.default_rng(0), CONFIGS[name]
  width = config.event_size * (2 if config.joint else 1)
  context = rng.normal(size=(n, 2)).astype(np.float32)
  points = (0.3 * rng.normal(size=(n, width)) + context.sum(1, keepdims=True)).astype(np.float32)
  return (points, context) if config.context_size else points


@functools.cache
def trained(name):
  keras.utils.set_random_seed(0)
  model = NHF(CONFIGS[name])
  history = model.fit(data(name), verbose=0).history
  return model, history["loss"]


def log_prob(model, x):
  return model.log_prob(*(x if isinstance(x, tuple) else (x,)), seed=0)


def first(x, n):
  return tf.nest.map_structure(lambda values: values[:n], x)


class ConditionalDensityTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*CONFIGS)
  @pytest.mark.slow
  def test_fits_and_survives_a_file(self, name):
    model, losses = trained(name)
    self.assertLess(losses[-1], losses[0] - 0.1)
    path, x = pathlib.Path(self.get_temp_dir()) / "model.keras", first(data(name), 6)
    model.save(path)
    copy = keras.saving.load_model(path)
    self.assertAllClose(log_prob(copy, x), log_prob(model, x), atol=1e-5)
    predicted = model.predict(x, batch_size=4, verbose=0)
    self.assertAllClose(predicted, model.predict(x, verbose=0), atol=1e-5)
    if CONFIGS[name].joint:
      self.assertAllClose(predicted, log_prob(model, x), atol=1e-5)

  def test_joint_density_is_exact(self):
    model, _ = trained("joint")
    axis = np.linspace(-8, 8, 161)[:-1] + 0.05
    states = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    self.assertAllClose(np.exp(model.log_prob(states)).sum() * 0.01, 1.0, atol=1e-3)
    start = model.prior.sample(5, seed=(0, 1))
    expected = model.prior.log_prob(start) - model.log_volume(model.generate(start))
    self.assertAllClose(model.log_prob(model.generate(start)), expected, atol=1e-5)
    self.assertAllEqual(model.elbo(states[:5]), model.log_prob(states[:5]))
    self.assertEqual(model.sample(7, seed=0).shape, (7, 2))

  def test_density_of_each_context_integrates_to_one(self):
    model, _ = trained("conditional")
    axis = (np.linspace(-9, 9, 181)[:-1] + 0.05)[:, None]
    for context in ([1.0, 1.0], [-1.0, 0.0]):
      density = np.exp(model.log_prob(axis, context, num_samples=64, seed=0))
      self.assertAllClose(density.sum() * 0.1, 1.0, atol=3e-2)
      self.assertAllClose((density * axis[:, 0]).sum() * 0.1, np.sum(context), atol=0.6)

  def test_samples_of_a_context(self):
    model, _ = trained("conditional")
    contexts = np.array([[1.0, 1.0], [-1.0, 0.0], [0.0, 0.0]], np.float32)
    points = model.sample(500, contexts, seed=0)
    self.assertEqual(points.shape, (500, 3, 1))
    self.assertAllClose(tf.reduce_mean(points, 0)[:, 0], contexts.sum(1), atol=0.6)
    alone = model.sample(500, contexts[0], seed=0)
    self.assertEqual(alone.shape, (500, 1))
    self.assertAllClose(np.mean(alone), 2.0, atol=0.6)

  def test_rows_are_their_contexts_own(self):
    model, _ = trained("conditional")
    points, contexts = first(data("conditional"), 8)
    noise = tf.random.stateless_normal([8, 3, 1], (0, 1))
    together = model.log_weights(points, noise, contexts)
    alone = [model.log_weights(points[i:i + 1], noise[i:i + 1], contexts[i:i + 1])[0] for i in range(8)]
    self.assertAllClose(together, alone, atol=1e-5)

  def test_gap_is_what_four_times_the_momenta_gain(self):
    model, _ = trained("conditional")
    points, contexts = first(data("conditional"), 64)
    value, gap = model.log_prob(points, contexts, num_samples=2, seed=0, return_gap=True)
    self.assertEqual(gap.shape, (64,))
    self.assertAllGreater(gap, 0.0)
    self.assertAllClose(value + gap, model.log_prob(points, contexts, num_samples=8, seed=0), atol=1e-5)
    self.assertLess(np.mean(model.log_prob(points, contexts, num_samples=256, seed=0, return_gap=True)[1]),
                    0.5 * np.mean(gap))
    self.assertAllEqual(trained("joint")[0].log_prob(data("joint")[:5], return_gap=True)[1], np.zeros(5))

  def test_fits_weights_a_validation_split_and_datasets(self):
    model, x = NHF(CONFIGS["conditional"]), data("conditional", 40)
    model.compile(run_eagerly=True)
    history = model.fit(x, epochs=1, steps_per_epoch=1, validation_split=0.5, sample_weight=np.ones(40), verbose=0)
    self.assertTrue(np.isfinite(history.history["val_loss"][0]))
    rows = tf.data.Dataset.from_tensor_slices((x,)).batch(20)
    self.assertTrue(np.isfinite(model.fit(rows, verbose=0).history["loss"][0]))
    self.assertTrue(np.isfinite(model.evaluate(x, verbose=0, return_dict=True)["loss"]))


class BadInputTest(tf.test.TestCase, parameterized.TestCase):

  def test_contexts(self):
    model, (points, context) = NHF(CONFIGS["conditional"]), data("conditional", 8)
    bad = np.where(np.arange(8)[:, None] == 3, np.nan, context)
    for call in (lambda c: model.log_prob(points, c), lambda c: model.sample(2, c), lambda c: model.fit((points, c)),
                 lambda c: model.adapt(points, c)):
      with self.assertRaisesRegex(ValueError, r"context must have shape \[n, 2\], got \(8, 1\)"):
        call(context[:, :1])
      with self.assertRaisesRegex(ValueError, "context must be finite, got 1 rows"):
        call(bad)
      with self.assertRaisesRegex(ValueError, r"context must be given, \[n, 2\], as context_size is 2"):
        call(None)
    with self.assertRaisesRegex(ValueError, r"x must be \(points, context\): context_size is 2, got ndarray"):
      model.fit(points)
    with self.assertRaisesRegex(ValueError, "context must have a row for each of 8 points, or one for all, got 3"):
      model.log_prob(points, context[:3])

  def test_a_context_that_nothing_asked_for(self):
    with self.assertRaisesRegex(ValueError, "context must be None, as context_size is 0, got 128"):
      NHF(CONFIGS["joint"]).log_prob(data("joint"), 128)

  def test_joint(self):
    with self.assertRaisesRegex(ValueError, r"points must have shape \[n, 2\], got \(3, 1\)"):
      NHF(CONFIGS["joint"]).log_prob(np.zeros((3, 1)))
    with self.assertRaisesRegex(ValueError, "encode takes no model with joint=True"):
      NHF(CONFIGS["joint"]).encode(np.zeros((3, 1)))
    with self.assertRaisesRegex(ValueError, "context_size must be at least 0, got -1"):
      dataclasses.replace(SMALL, context_size=-1)


if __name__ == "__main__":
  tf.test.main()
