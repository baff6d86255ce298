import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.models import HGN, HGNConfig

_CONFIG = HGNConfig(
    num_frames=5, size=16, encoder=((8, 2, 2), (8, 2, 2), (8, 2, 2)), transform=((8, 3, 1),),
    energy=((8, 2, 2), (1, 1, 1)), decoder_filters=8, frames_per_step=2, horizon_steps=2, kl_warmup=(5, 10), steps=20)


def config(**changes):
  return dataclasses.replace(_CONFIG, **changes)


def frames(n=3, shape=_CONFIG.frame_shape, seed=1):
  return tf.random.stateless_uniform((n, *shape), (0, seed))


class ShapesTest(tf.test.TestCase):

  def test_the_four_maps(self):
    model = HGN(config())
    posterior = model.encode(frames())
    self.assertEqual(posterior.event_shape, (2, 2, 4))
    state = model.initial_state(posterior.sample(seed=1))
    self.assertEqual(state.q.shape, (3, 2, 2, 4))
    path = model.rollout(state, 6)
    self.assertEqual(path.p.shape, (3, 7, 2, 2, 4))
    self.assertEqual(model.decode(path.q).shape, (3, 7, 16, 16, 3))
    self.assertEqual(model.energy(path).shape, (3, 7))
    self.assertEqual(model.energy(state).shape, (3,))
    self.assertAllClose(model.energy(path)[:, 0], model.energy(state), rtol=1e-5)

  def test_reconstruct_at_any_length_and_speed(self):
    model = HGN(config())
    self.assertEqual(model.reconstruct(frames()).shape, (3, 5, 16, 16, 3))
    self.assertEqual(model.reconstruct(frames(), 300).shape, (3, 301, 16, 16, 3))
    twice = model.reconstruct(frames(), 2, dt=2 * model.config.dt)
    rows = model.reconstruct(frames(), 2, dt=[0.25, 0.125, -0.1])
    self.assertAllClose(rows[0], twice[0], atol=1e-5)
    self.assertNotAllClose(rows[1], twice[1], atol=1e-5)
    self.assertBetween(float(tf.reduce_max(twice)), 0.0, 1.0)

  def test_backward_undoes_forward(self):
    model = HGN(config())
    start = model.initial_state(model.encode(frames()).mean())
    end = model.rollout(start, 30)
    back = model.rollout(type(start)(*(x[:, -1] for x in end)), 30, -model.config.dt)
    self.assertAllClose(back.q[:, -1], start.q, atol=1e-4)

  def test_samples_follow_the_seed(self):
    model = HGN(config())
    self.assertAllEqual(model.sample(2, 3, seed=7), model.sample(2, 3, seed=7))
    self.assertNotAllEqual(model.sample(2, 3, seed=7), model.sample(2, 3, seed=8))
    self.assertNotAllEqual(model.sample(2, 3), model.sample(2, 3))


class TrainingTest(parameterized.TestCase, tf.test.TestCase):

  def test_fit_learns(self):
    model = HGN(config(steps=150, learning_rate=3e-3))
    model.compile()
    data = tf.repeat(frames(4)[:, :1], 5, axis=1) * tf.constant([1.0, 0.2, 0.1])
    before = model.evaluate(data, verbose=0, return_dict=True)["mse"]
    batches = tf.data.Dataset.from_tensors(data).repeat()
    history = model.fit(batches, steps_per_epoch=50, epochs=3, shuffle=False, verbose=0).history
    self.assertLess(model.evaluate(data, verbose=0, return_dict=True)["mse"], 0.5 * before)
    self.assertContainsSubset(["loss", "mse", "kl", "multiplier"], history)

  def test_predict_is_reconstruct(self):
    model = HGN(config())
    model.compile()
    self.assertAllClose(model.predict(frames(), verbose=0), model.reconstruct(frames()), atol=1e-5)

  def test_multiplier_works(self):
    far, near = (HGN(config(kappa=kappa, multiplier=10.0, multiplier_decay=0.0)) for kappa in (1e-6, 1e3))
    for model in (far, near):
      model.compile(run_eagerly=True)
      model.fit(frames(), batch_size=3, epochs=2, verbose=0)
    self.assertGreater(float(far.multiplier), far.config.multiplier)
    self.assertLess(float(near.multiplier), near.config.multiplier)

  def test_posterior_widens_on_schedule_and_stays_wide(self):
    model = HGN(config(log_std_offset=-4.0, log_std_rise=(1, 3)))
    model.compile(run_eagerly=True)
    found = []
    for _ in range(5):
      model.fit(frames(), batch_size=3, epochs=1, verbose=0)
      found.append(float(model.encoder.log_std_offset))
    self.assertAllClose(found, [-4.0, -4.0, -2.0, 0.0, 0.0])
    mean, log_std = model.encoder(frames())
    self.assertAllClose(model.encode(frames()).stddev(), tf.exp(log_std))
    self.assertEqual(mean.shape, log_std.shape)

  def test_the_first_batch_centres_the_frames_of_the_encoder(self):
    for centre_frames in (True, False):
      model = HGN(config(centre_frames=centre_frames))
      model.compile(run_eagerly=True)
      for seed in (1, 2):
        model.fit(frames(seed=seed), batch_size=3, epochs=1, verbose=0)
      first = frames(seed=1).numpy()
      mean = first.mean(axis=(0, 1))
      centre, scale = (mean, 1 / (first - mean).std()) if centre_frames else (0.0 * mean, 1.0)
      self.assertAllClose(model.encoder.centre, centre, atol=1e-6)
      self.assertAllClose(model.encoder.scale, scale, rtol=1e-5)

  def test_deterministic_has_no_kl_in_its_loss(self):
    model = HGN(config(deterministic=True, horizon_steps=0))
    mse, _, loss = model.objective(frames(), tf.constant(100))
    self.assertAllClose(loss, (mse - model.config.kappa) * 16 * 16 * 3, rtol=1e-4)

  def test_randomness_is_a_function_of_the_step(self):
    model = HGN(config())
    losses = [float(model.objective(frames(), tf.constant(step))[2]) for step in (3, 3, 4)]
    self.assertEqual(losses[0], losses[1])
    self.assertNotEqual(losses[0], losses[2])

  @pytest.mark.slow
  def test_lowers_under_xla(self):
    model = HGN(config(batch_size=2))
    model.compile()
    model.optimizer.build(model.trainable_variables)
    step = tf.function(model.train_step, jit_compile=True, autograph=False)
    text = step.experimental_get_compiler_ir(frames(2))(stage="hlo")
    self.assertIn("while", text)

  def test_bfloat16_keeps_float32_dynamics(self):
    model = HGN(config(precision="mixed_bfloat16"))
    self.assertEqual(model.decoder.compute_dtype, "bfloat16")
    self.assertEqual(model.potential.compute_dtype, "float32")
    exact = HGN(config())
    exact.set_weights(model.get_weights())
    self.assertAllClose(model.reconstruct(frames()), exact.reconstruct(frames()), atol=0.05)


class SavingTest(tf.test.TestCase):

  def test_fine_tuning_leaves_a_trained_model_as_it_is(self):
    model = HGN(config(steps=3, log_std_rise=(1, 2)))
    model.compile(run_eagerly=True)
    model.fit(frames(), batch_size=3, epochs=3, verbose=0)
    other, path = HGN(config(log_std_rise=(1, 2))), f"{self.get_temp_dir()}/m.weights.h5"
    model.save_weights(path)
    other.load_weights(path)
    self.assertEqual(int(other.train_steps), 3)
    before = other.reconstruct(frames()), other.encode(frames()).stddev()
    other.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    other.fit(frames(seed=2), batch_size=3, epochs=1, verbose=0)
    self.assertAllEqual(other.reconstruct(frames()), before[0])
    self.assertAllEqual(other.encode(frames()).stddev(), before[1])

  def test_clips_after_the_loss_is_unscaled(self):
    found = []
    for optimizer in (keras.optimizers.SGD(1.0), keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0))):
      keras.utils.set_random_seed(0)
      model = HGN(config(clip_norm=1e-2))
      model.compile(optimizer, run_eagerly=True)
      before = model.trainable_variables[0].numpy()
      model.fit(frames(), batch_size=3, epochs=1, verbose=0)
      found.append(model.trainable_variables[0].numpy() - before)
    self.assertAllClose(found[0], found[1], rtol=1e-3, atol=1e-7)

  def test_keras_file_and_weights(self):
    model = HGN(config())
    model.compile(run_eagerly=True)
    model.fit(frames(), batch_size=3, epochs=2, verbose=0)
    whole, weights = (f"{self.get_temp_dir()}/{name}" for name in ("m.keras", "m.weights.h5"))
    model.save(whole)
    model.save_weights(weights)
    other = HGN(config(seed=5))
    other.load_weights(weights)
    loaded = keras.saving.load_model(whole)
    self.assertEqual(loaded.config, model.config)
    for restored in (loaded, other):
      np.testing.assert_array_equal(restored.reconstruct(frames()), model.reconstruct(frames()))
      np.testing.assert_array_equal(restored.multiplier, model.multiplier)
    self.assertEqual(int(loaded.optimizer.iterations), 2)
    loaded.fit(frames(), batch_size=3, epochs=1, verbose=0)


class BadInputTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      (lambda: frames()[0], "got shape .5, 16, 16, 3."),
      (lambda: frames()[:, :4], "got shape .3, 4, 16, 16, 3."),
      (lambda: frames(3, (5, 8, 8, 3)), "got shape .3, 5, 8, 8, 3."),
      (lambda: tf.cast(255 * frames(), tf.uint8), "got dtype uint8"),
      (lambda: 2 * frames(), "got values from"),
      (lambda: frames() * np.nan, "got values from nan"))
  def test_frames(self, make, message):
    with self.assertRaisesRegex(ValueError, r"frames must be float32 of shape \[batch, 5, 16, 16, 3\] .*" + message):
      HGN(config()).reconstruct(make())

  def test_negative_steps(self):
    with self.assertRaisesRegex(ValueError, "num_steps must be an integer of at least 0, got -1"):
      HGN(config()).reconstruct(frames(), -1)

  def test_half_a_sample(self):
    with self.assertRaisesRegex(ValueError, "n must be an integer, got 2.5"):
      HGN(config()).sample(2.5)

  def test_no_samples(self):
    with self.assertRaisesRegex(ValueError, "n must be at least 1, got 0"):
      HGN(config()).sample(0)

  def test_unknown_integrator(self):
    with self.assertRaisesRegex(ValueError, "method must be one of euler, .*leapfrog.*, got 'verlet'"):
      HGN(config(method="verlet"))

  def test_unknown_field(self):
    with self.assertRaisesRegex(ValueError, "Unknown HGNConfig fields: kapa; known: "):
      HGN({"kapa": 1})
