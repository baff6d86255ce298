"""A compact HGN with inputs: rollouts, inference and training under controls."""

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

import hgn_tf
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import CompactHGN, CompactHGNConfig

FRAMES, SIZE, CONTEXT = 7, 8, 4
CONFIG = CompactHGNConfig(
    num_frames=FRAMES, size=SIZE, channels=1, pairs=2, context=CONTEXT, maps=2, encoder_hidden=(4,), units=3,
    decoder_hidden=(4,), potential_hidden=(4,), radii=0, pixels_per_frame=16, frames_per_step=3, nearest=2,
    batch_size=4, steps=50, warmup_steps=0, energy_kind="fixed_kinetic", damping=True, inputs=1, input_hidden=(4,))


def make(**changes):
  model = CompactHGN(CompactHGNConfig.from_dict({**CONFIG.to_dict(), **changes}))
  if model.config.inputs:
    model.input_matrix.net.layers[-1].bias.assign([0.7, -0.4])
    model.window_response.kernel.assign(0.1 * tf.random.stateless_normal(model.window_response.kernel.shape, (0, 4)))
  return model


def films(n=4):
  return tf.random.stateless_uniform((n, FRAMES, SIZE, SIZE, 1), (0, 1))


def controls(n=4, steps=FRAMES - 1):
  return tf.random.stateless_normal((n, steps, 1), (0, 2))


def states(n=4):
  return PhaseSpace.split(tf.random.stateless_normal((n, 4), (0, 3)))


class DrivenTest(parameterized.TestCase, tf.test.TestCase):

  def test_rollout(self):
    model, u = make(), controls()
    path = model.rollout(states(), FRAMES - 1, controls=u)
    wanted = hgn_tf.integrate(model.hamiltonian, states(), model.config.dt, FRAMES - 1, controls=u)
    self.assertAllClose(path.merge(), wanted.merge(), atol=1e-6)
    self.assertNotAllClose(path.q, model.rollout(states(), FRAMES - 1).q, atol=1e-3)
    self.assertAllClose(model.rollout(states(), FRAMES - 1, controls=0 * u).merge(),
                        model.rollout(states(), FRAMES - 1).merge(), atol=1e-6)

  def test_infers_the_state_that_its_controls_bring_to_the_middle(self):
    model, u, x = make(), controls(), films()
    path = model.rollout(model.infer(x, controls=u), model.config.middle, controls=u[:, :model.config.middle])
    self.assertAllClose(path.merge()[:, -1], model.encode(x, u).mean(), atol=1e-5)

  def test_encodes_the_forces_of_the_window(self):
    model, u, x = make(), controls(), films()
    moved = model.encode(x, u).mean() - model.encode(x).mean()
    self.assertAllClose(moved, tf.reshape(u[:, :CONTEXT - 1], [4, -1]) @ model.window_response.kernel, atol=1e-5)
    self.assertAllClose(model.encode(x, u).stddev(), model.encode(x).stddev())
    self.assertAllClose(model.encode(x, 0 * u).mean(), model.encode(x).mean(), atol=1e-6)
    with self.assertRaisesRegex(ValueError, r"controls must have shape \[batch, 3, 1\], got \(4, 2, 1\)"):
      model.encode(x, u[:, :2])

  def test_reconstructs_under_controls(self):
    model, u, x = make(), controls(), films()
    frames = model.reconstruct(x, controls=u)
    self.assertAllClose(frames, model({"frames": x, "controls": u}), atol=1e-6)
    self.assertAllClose(frames, model.decode(model.rollout(model.infer(x, controls=u), FRAMES - 1, controls=u).q),
                        atol=1e-6)
    self.assertEqual(model.reconstruct(x, controls=controls(steps=20)).shape[1], 21)
    self.assertEqual(model.reconstruct(x).shape, x.shape)

  def test_trains_on_what_the_controls_did_before_and_after_the_window(self):
    model, u = make(), controls()
    z, start = states().merge(), 3
    offsets = tf.tile(tf.range(-start, FRAMES - start)[None], [4, 1])
    on = model.rollout(states(), FRAMES - 1 - start, controls=u[:, start:]).q
    back = model.rollout(states(), start, -model.config.dt, u[:, :start][:, ::-1]).q
    wanted = model.decode(tf.concat([back[:, :0:-1], on], axis=1))
    places = tf.stack(tf.meshgrid(*[(tf.range(SIZE, dtype=tf.float32) + 0.5) / SIZE * 2 - 1] * 2), axis=-1)
    places = tf.tile(tf.reshape(places, [1, -1, 2]), [4 * FRAMES, 1, 1])
    colours = tf.reshape(wanted, [4 * FRAMES, -1, 1])
    error = model._pixel_error(z, offsets, places, colours, tf.ones(colours.shape[:2]),
                               model._both_ways(u, tf.constant(start)))
    self.assertLess(error, 1e-10)

  @parameterized.parameters(dict(run_eagerly=True), dict())
  @pytest.mark.slow
  def test_fits_dicts(self, **options):
    self.fits_dicts(**options)

  @pytest.mark.slow
  def test_fits_dicts_compiled(self):
    self.fits_dicts(jit_compile=True)

  def fits_dicts(self, **options):
    model = make()
    model.compile(**options)
    before = np.array(model.input_matrix.net.layers[0].kernel)
    rows = tf.data.Dataset.from_tensors({"frames": films(), "controls": controls()}).repeat(2)
    history = model.fit(rows, verbose=0).history
    self.assertTrue(np.isfinite(history["loss"][0]))
    self.assertNotAllEqual(model.input_matrix.net.layers[0].kernel, before)

  def test_arrays_and_their_weights(self):
    model = make()
    model.compile(run_eagerly=True)
    x = {"frames": films().numpy(), "controls": controls().numpy()}
    model.fit(x, batch_size=2, verbose=0)
    found = model.evaluate(x, batch_size=2, verbose=0, return_dict=True)
    self.assertAllClose(found["mse"], np.mean((model(x) - x["frames"]) ** 2), rtol=1e-4)

  @parameterized.parameters(
      (dict(energy_kind="separable"), "needs energy_kind='fixed_kinetic', got 'separable'"),
      (dict(damping=False, method="symplectic_euler"), "method"),
      (dict(inputs=-1), "inputs must be at least 0, got -1"))
  def test_config_refuses(self, changes, message):
    with self.assertRaisesRegex(ValueError, message):
      make(**changes)

  @parameterized.parameters(
      (lambda m: m.rollout(states(), 5, controls=controls()), r"shape .* = .4, 5, 1., got .4, 6, 1"),
      (lambda m: m.rollout(states(), 6, controls=controls()[..., 0]), r"controls must have shape"),
      (lambda m: m.infer(films(), controls=controls(steps=1)), "controls must have shape"),
      (lambda m: m.infer(films(), controls=controls()[..., 0]), r"controls must have shape .batch, None, 1., got"),
      (lambda m: m.infer(films(), refine=2, controls=controls()), "refine must be 0 where there are controls, got 2"),
      (lambda m: m.fit(films(), verbose=0), "x must be a dict of frames and controls"),
      (lambda m: m.inputs({"frames": films(), "controls": controls(steps=5)}), r"shape .batch, 6, 1., got .4, 5, 1"),
      (lambda m: m.inputs({"frames": films(), "controls": np.nan * controls()}), "controls must be finite"),
      (lambda m: m.inputs({"frames": films()}), "x must be a dict of frames and controls .* got .'frames'."))
  def test_refuses(self, call, message):
    with self.assertRaisesRegex(ValueError, message):
      call(make())

  def test_a_model_without_inputs_has_no_controls(self):
    with self.assertRaisesRegex(ValueError, "controls need a PortHamiltonian with control=G"):
      make(inputs=0).rollout(states(), 6, controls=controls())


if __name__ == "__main__":
  tf.test.main()
