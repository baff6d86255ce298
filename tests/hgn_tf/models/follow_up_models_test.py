"""HGN++, LatentODE and LatentRNN: what sets them apart from the HGN and the compact HGN that they stand on."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import (
  HGNPlusPlus,
  HGNPlusPlusConfig,
  LatentODE,
  LatentODEConfig,
  LatentRNN,
  LatentRNNConfig,
  make,
  presets,
)

FRAMES, SIZE, CONTEXT = 9, 16, 3
_SHARED = dict(num_frames=FRAMES, size=SIZE, context=CONTEXT, batch_size=4, steps=100, prior_rank=2, prior_components=1)
_COMPACT = dict(maps=4, encoder_hidden=(8,), units=6, decoder_hidden=(8,), pixels_per_frame=32, frames_per_step=3,
                nearest=2, horizon=(0.0, 0.01), **_SHARED)
MODELS = {
    "hgn_plus_plus": HGNPlusPlus(HGNPlusPlusConfig(
        pairs=2, encoder=((4, 3, 2),) * 3, hidden=(8, 8), decoder_inputs=2, decoder_filters=4, frames_per_step=None,
        horizon_steps=0, **_SHARED)),
    "latent_ode": LatentODE(LatentODEConfig(pairs=2, field_hidden=(8,), **_COMPACT)),
    "latent_rnn": LatentRNN(LatentRNNConfig(pairs=2, **_COMPACT)),
}
everyone = parameterized.parameters(*MODELS)


def films(n=4, seed=1):
  return tf.random.stateless_uniform((n, FRAMES, SIZE, SIZE, 3), (0, seed))


def vectors(n=3, width=2, seed=2):
  return PhaseSpace(*tf.split(tf.random.stateless_normal((n, 2 * width), (0, seed)), 2, axis=-1))


def moving_bar(n=4):
  """Films of a bar that goes to the right, a pixel a frame."""
  x, time = np.arange(SIZE)[None, None, :, None], np.arange(FRAMES)[:, None, None, None]
  film = 0.2 + 0.6 * (abs(x - 3.0 - time) < 2.0) * np.ones((1, SIZE, 1, 3))
  return np.repeat(film[None].astype(np.float32), n, axis=0)


class AllTest(parameterized.TestCase, tf.test.TestCase):

  @everyone
  def test_films_of_any_length(self, name):
    model = MODELS[name]
    self.assertEqual(model.reconstruct(films(), 20).shape, (4, 21, SIZE, SIZE, 3))
    self.assertEqual(model.sample(3, num_steps=2, seed=0).shape, (3, 3, SIZE, SIZE, 3))

  @everyone
  def test_the_encoder_sees_the_first_window_alone(self, name):
    model, x = MODELS[name], films()
    cut = tf.concat([x[:, :CONTEXT], 1.0 - x[:, CONTEXT:]], axis=1)
    self.assertAllEqual(model.encode(cut).mean(), model.encode(x).mean())
    self.assertNotAllClose(model.encode(1.0 - x).mean(), model.encode(x).mean())
    with self.assertRaisesRegex(ValueError, "at least context=3 in time, got 2"):
      model.encode(x[:, :2])

  @everyone
  @pytest.mark.slow
  def test_learns_a_tiny_dataset(self, name):
    keras.utils.set_random_seed(0)
    model = type(MODELS[name])(MODELS[name].config)
    model.compile(keras.optimizers.Adam(1e-2))
    mse = model.fit(tf.data.Dataset.from_tensors(moving_bar()).repeat(), steps_per_epoch=20, epochs=4,
                    verbose=0).history["mse"]
    self.assertLess(mse[-1], 0.85 * mse[0])

  @everyone
  def test_preset(self, name):
    self.assertIs(type(make(presets.get(name, num_frames=20))), type(MODELS[name]))

  @parameterized.parameters("latent_ode", "latent_rnn")
  def test_has_no_energy(self, name):
    self.assertFalse(MODELS[name].has_energy)
    with self.assertRaisesRegex(ValueError, f"{name}.*has no energy"):
      MODELS[name].energy(vectors())

  @parameterized.parameters(
      ("hgn_plus_plus", dict(context=4), "context must be odd, where reverse=True, got 4"),
      ("hgn_plus_plus", dict(context=FRAMES), "context must be in .1, 8., got 9"),
      ("hgn_plus_plus", dict(frames_per_step=FRAMES - 2), "frames_per_step must be in .1, 6., got 7"),
      ("hgn_plus_plus", dict(energy_kind="mass_matrix"), "energy_kind must be one of separable, fixed_kinetic, joint"),
      ("latent_ode", dict(method="leapfrog"), "method must be one of rk4, euler, got 'leapfrog'"),
      ("latent_ode", dict(damping=True), "damping must be off: there is no energy .* got True"),
      ("latent_rnn", dict(inputs=1), "inputs must be off: there is no energy .* got 1"),
      ("latent_rnn", dict(method="rk4"), "method must be one of euler, got 'rk4'"))
  def test_refuses(self, name, changes, message):
    config = MODELS[name].config
    with self.assertRaisesRegex(ValueError, message):
      type(config).from_dict({**config.to_dict(), **changes})


class HGNPlusPlusTest(parameterized.TestCase, tf.test.TestCase):

  def objective(self, frames, **changes):
    """The squared error and the KL of the encoder's means."""
    model = MODELS["hgn_plus_plus"]
    config = HGNPlusPlusConfig.from_dict({**model.config.to_dict(), "deterministic": True, **changes})
    other = HGNPlusPlus(config)
    for a, b in zip(other.weights, model.weights, strict=True):
      a.assign(b)
    return [float(x) for x in other.objective(frames, tf.constant(0))]

  def test_the_frames_after_the_window_are_predicted(self):
    model, x = MODELS["hgn_plus_plus"], films(2)
    wanted = tf.reduce_mean((model.reconstruct(x) - x)[:, CONTEXT:] ** 2)
    self.assertAllClose(self.objective(x, reverse=False)[0], wanted, rtol=1e-4)

  def test_every_other_film_is_read_from_its_end(self):
    model, x = MODELS["hgn_plus_plus"], films(2)
    last = x[1:, -CONTEXT:]
    path = model.rollout(PhaseSpace.split(model.encode(last).mean()), FRAMES - 2, -model.config.dt)
    frames = model.decode(path.q)[:, -(FRAMES - CONTEXT):]
    back = tf.reduce_mean((frames - x[1:, FRAMES - CONTEXT - 1::-1]) ** 2)
    on = self.objective(x[:1], reverse=False)[0]
    self.assertAllClose(self.objective(x)[0], (on + back) / 2, rtol=1e-4)

  def test_objective_is_the_beta_elbo(self):
    pixels, beta = SIZE * SIZE * 3, 0.1
    mse, kl, loss = self.objective(films(), deterministic=False)
    self.assertGreater(beta * kl, 1e-3 * FRAMES * pixels * mse)
    kappa = MODELS["hgn_plus_plus"].config.kappa
    self.assertAllClose(loss, pixels * (mse - kappa + beta * kl / (FRAMES * pixels)), rtol=1e-5)

  def test_multiplier_stays(self):
    model = HGNPlusPlus(MODELS["hgn_plus_plus"].config)
    model.compile(run_eagerly=True)
    model.fit(films(), epochs=2, verbose=0)
    self.assertAllClose(model.multiplier, model.config.multiplier, rtol=1e-6)

  def test_architecture_of_the_preset(self):
    config = presets.get("hgn_plus_plus")
    self.assertEqual((config.num_frames, config.context, config.predicted, config.latent_shape), (65, 5, 60, (32,)))
    self.assertEqual((config.hidden, config.activation, config.transform), ((250,) * 5, "silu", ()))
    self.assertEqual(config.encoder, ((64, 3, 2), (64, 3, 1)) * 3)


class LatentODETest(parameterized.TestCase, tf.test.TestCase):

  def test_rollout_follows_its_field(self):
    model, start, dt = MODELS["latent_ode"], vectors(), 1e-3
    path = model.rollout(start, 2, dt).merge()
    self.assertAllClose((path[:, 2] - path[:, 0]) / (2 * dt), model.field(path[:, 1]), atol=1e-3)

  def test_turns_like_an_oscillator_before_it_has_learned(self):
    model = LatentODE(LatentODEConfig.from_dict({**MODELS["latent_ode"].config.to_dict(), "field_hidden": ()}))
    model.field.last.kernel.assign(tf.zeros_like(model.field.last.kernel))
    start, time = vectors(), 4 * 0.125
    end = PhaseSpace(*(x[:, -1] for x in model.rollout(start, 4, 0.125)))
    self.assertAllClose(end.q, start.q * np.cos(time) + start.p * np.sin(time), atol=1e-4)


class LatentRNNTest(parameterized.TestCase, tf.test.TestCase):

  def test_a_step_is_a_step_of_a_gru(self):
    model, start = MODELS["latent_rnn"], vectors()
    for sign, cell in ((1, model.ahead), (-1, model.back)):
      h = start.merge()
      path = model.rollout(start, 3, sign * model.config.dt).merge()
      for i in range(3):
        h = cell(tf.zeros((3, 1)), [h])[0]
        self.assertAllClose(path[:, i + 1], h, atol=1e-5)

  def test_directions_of_rows(self):
    model, start = MODELS["latent_rnn"], vectors()
    dt = model.config.dt * tf.constant([1.0, -1.0, 0.5])
    path = model.rollout(start, 2, dt).q
    for i, one in enumerate(dt.numpy()):
      self.assertAllClose(path[i], model.rollout(start, 2, float(one)).q[i], atol=1e-6)

  def test_state_is_inferred_at_the_first_frame(self):
    model, x = MODELS["latent_rnn"], films()
    self.assertAllClose(model.infer(x).merge(), model.encode(x).mean())


if __name__ == "__main__":
  tf.test.main()
