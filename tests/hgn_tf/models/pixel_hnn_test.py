"""PixelHNN: shapes, the terms of its loss, what it learns, and what it refuses."""

import tempfile

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models.pixel_hnn import PixelHNN, PixelHNNConfig

SMALL = dict(num_frames=6, size=8, channels=1, hidden=16, dynamics_hidden=(16,), decoder_filters=8,
             encoder=((8, 2, 2), (8, 2, 2), (16, 2, 2)))


def small(**changes):
  keras.utils.set_random_seed(0)
  return PixelHNN(PixelHNNConfig(**{**SMALL, **changes}))


def moving_bar(n=64, num_frames=6, size=8, seed=0):
  """Clips of a soft bar that swings harmonically: [n, num_frames, size, size, 1]."""
  rng = np.random.default_rng(seed)
  amplitude, phase = rng.uniform(0.5, 2.0, (n, 1)), rng.uniform(0.0, 2 * np.pi, (n, 1))
  position = size / 2 + amplitude * np.sin(0.4 * np.arange(num_frames) + phase)
  bars = np.exp(-(np.arange(size) + 0.5 - position[..., None]) ** 2)
  return np.repeat(bars[..., None, :], size, axis=2)[..., None].astype(np.float32)


class PixelHNNTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(autoencoder=["mlp", "conv"], dynamics=["hnn", "baseline", "separable"])
  def test_shapes_and_one_training_step(self, autoencoder, dynamics):
    model = small(autoencoder=autoencoder, dynamics=dynamics, embedding=4)
    frames = moving_bar(3)
    z = model.encode(frames)
    self.assertEqual(z.shape, (3, 4))
    states = model.rollout(model.initial_state(z), 7, method="rk4")
    self.assertEqual(states.q.shape, (3, 8, 2))
    decoded = model.decode(states)
    self.assertEqual(decoded.shape, (3, 8, 8, 8, 1))
    self.assertAllInRange(decoded, 0.0, 1.0)
    self.assertEqual(model.reconstruct(frames).shape, frames.shape)
    self.assertAllClose(model(frames), model.reconstruct(frames, method="rk4"))
    before = [v.numpy() for v in model.trainable_variables]
    model.compile(run_eagerly=True)  # one step: tracing would take ten times as long
    model.fit(frames, epochs=1, verbose=0)
    # The bias of an energy's last layer moves nothing.
    moved = sum(np.any(v.numpy() != b) for v, b in zip(model.trainable_variables, before, strict=True))
    self.assertEqual(moved, len(before))

  @parameterized.parameters("mlp", "conv")
  def test_decoder_darkens_and_brightens_the_mean_frame(self, autoencoder):
    model = small(autoencoder=autoencoder)
    changes = model.decoder(tf.random.stateless_normal((16, 2), (0, 1)))
    self.assertLess(np.min(changes), 0.0)
    self.assertGreater(np.max(changes), 0.0)

  @parameterized.parameters(("forward", 0.0), ("midpoint", 0.5))
  def test_terms_of_the_loss(self, derivative, ahead):
    model = small(derivative=derivative)
    frames = tf.constant(moving_bar(2, num_frames=3))
    pairs = [tf.concat([frames[:, i], frames[:, i + 1]], axis=-1) for i in (0, 1)]
    z, following = (model.encoder(pair) for pair in pairs)
    losses = model.objective(frames)
    self.assertAllClose(losses["autoencoder"], np.mean((model.decoder(z) - pairs[0]) ** 2))
    self.assertAllClose(losses["canonical"], np.mean((z[:, 1:] - (following - z)[:, :1]) ** 2))
    self.assertAllClose(losses["dynamics"], np.mean((
        model.dynamics(z + ahead * (following - z)) - (following - z)) ** 2), 1e-5)
    self.assertAllClose(losses["loss"], losses["autoencoder"] + losses["canonical"] + 0.1 * losses["dynamics"])

  def test_windows_are_successive_frames_and_follow_seed_and_step(self):
    model = small()
    model.compile()
    frames = np.tile(np.arange(6, dtype=np.float32)[None, :, None, None, None] / 10, (200, 1, 8, 8, 1))
    window, *others = (model._window(tf.constant(frames), tf.constant(step)) for step in (0, 0, 1))
    self.assertAllClose(window[:, 1:] - window[:, :-1], np.full((200, 2, 8, 8, 1), 0.1))
    self.assertAllClose(np.unique(np.round(window[:, 0, 0, 0, 0], 1)), [0.0, 0.1, 0.2, 0.3])
    self.assertAllEqual(window, others[0])
    self.assertNotAllEqual(window, others[1])

  def test_energy_is_conserved_by_its_own_rollout(self):
    model = small(embedding=4)
    states = model.rollout(model.initial_state(model.encode(moving_bar(3))), 20, 0.1, "rk4")
    energy = model.energy(states)
    self.assertEqual(energy.shape, (3, 21))
    self.assertAllClose(energy, np.repeat(energy[:, :1], 21, axis=1), atol=1e-4)

  def test_solve_ivp_agrees_with_rk4(self):
    model, frames = small(), moving_bar(2)
    self.assertAllClose(model.reconstruct(frames), model.reconstruct(frames, method="rk4"), atol=1e-3)

  def test_learns_to_predict(self):
    model = small(hidden=32, dynamics_hidden=(32,), learning_rate=3e-3)
    model.compile(steps_per_execution=50)
    frames, test = moving_bar(64), moving_bar(16, seed=1)
    model.fit(tf.data.Dataset.from_tensors(frames).repeat(), steps_per_epoch=800, shuffle=False, verbose=0)
    mean_image = np.mean((test - frames.mean(axis=(0, 1))) ** 2)
    self.assertLess(np.mean((model.reconstruct(test, method="rk4") - test) ** 2), 0.3 * mean_image)

  def test_a_saved_model_is_the_same_model(self):
    model = small(autoencoder="conv")
    frames = moving_bar(2)
    with tempfile.TemporaryDirectory() as folder:
      model.save(f"{folder}/pixel.keras")
      again = keras.saving.load_model(f"{folder}/pixel.keras")
    self.assertAllClose(again(frames), model(frames))

  def test_evaluates_every_transition(self):
    model = small()
    model.compile()
    frames = moving_bar(4)
    found = model.evaluate(frames, verbose=0, return_dict=True)
    self.assertAllClose(found["loss"], model.objective(tf.constant(frames))["loss"])

  @parameterized.parameters(
      (dict(embedding=3), "embedding must be a positive multiple of 2, got 3"),
      (dict(num_frames=2), "num_frames must be at least 3"),
      (dict(autoencoder="vae"), "autoencoder must be"), (dict(autoencoder="conv", size=20), "multiple of 8"),
      (dict(derivative="backward"), "derivative must be one of forward, midpoint, got 'backward'"))
  def test_config_refuses(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      PixelHNNConfig(**fields)

  @parameterized.parameters(
      (np.zeros((2, 1, 8, 8, 1), np.float32), "at least 2"), (np.zeros((2, 6, 8, 8, 3), np.float32), "shape"),
      (np.full((2, 6, 8, 8, 1), np.nan, np.float32), "values"), (np.full((2, 6, 8, 8, 1), 2, np.float32), "values"))
  def test_encode_refuses(self, frames, message):
    with self.assertRaisesRegex(ValueError, message):
      small().encode(frames)

  def test_latent_state_that_is_not_finite_is_refused(self):
    with self.assertRaisesRegex(ValueError, "finite"):
      small().rollout(PhaseSpace(tf.constant([[np.nan]]), tf.constant([[0.0]])), 3, method="rk4")


if __name__ == "__main__":
  tf.test.main()
