"""What H is made of, for every model that has a choice: kept, learned whole, saved, and refused where it must be."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.mechanics.hamiltonians import MassMatrix
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import HGN, HNN, CompactHGN, CompactHGNConfig, HGNConfig, HNNConfig

KINDS = ("separable", "fixed_kinetic", "joint", "mass_matrix")
_HGN = HGNConfig(num_frames=4, size=8, channels=1, encoder=((4, 2, 2), (4, 2, 2), (4, 2, 2)), transform=((4, 1, 1),),
                 energy=((4, 1, 1), (1, 1, 1)), decoder_filters=4, frames_per_step=2, horizon_steps=0, prior_rank=2,
                 prior_components=2, factor_hidden=(4,), kl_warmup=None, steps=20)
_COMPACT = CompactHGNConfig(num_frames=4, size=8, channels=1, pairs=2, context=2, maps=2, encoder_hidden=(4,), units=2,
                            decoder_hidden=(4,), potential_hidden=(4,), factor_hidden=(4,), pixels_per_frame=4,
                            frames_per_step=2, nearest=1, steps=20, warmup_steps=0)
CONFIGS = {"hgn": _HGN, "compact": _COMPACT}
_MODELS = {"hgn": HGN, "compact": CompactHGN}


def make(name, kind, **changes):
  keras.utils.set_random_seed(0)
  method = "leapfrog" if kind in KINDS[:2] else "implicit_midpoint"
  return _MODELS[name](dataclasses.replace(CONFIGS[name], energy_kind=kind, **{"method": method, **changes}))


def states(model, n=3):
  shape = (n, *model.config.state_shape)
  return PhaseSpace(*(0.5 * tf.random.stateless_normal(shape, (0, i)) for i in (1, 2)))


def frames(n=4):
  return tf.random.stateless_uniform((n, 4, 8, 8, 1), (0, 1))


def energies(model):
  """The trainable variables of H."""
  return [v for name in ("joint", "potential", "kinetic", "factor") if hasattr(model, name)
          for v in getattr(model, name).trainable_variables]


class HGNTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.product(name=list(_MODELS), kind=KINDS)
  def test_energy_is_kept_and_all_of_it_learned(self, name, kind):
    model = make(name, kind)
    start, variables = states(model), energies(model)

    @functools.partial(tf.function, autograph=False)
    def run():
      with tf.GradientTape() as tape:
        path = model.rollout(start, 20, 0.05)
        loss = tf.reduce_sum(path.q ** 2)
      return path, tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    path, gradients = run()
    energy = model.energy(path)
    self.assertEqual(energy.shape, (3, 21))
    self.assertAllClose(energy, tf.repeat(energy[:, :1], 21, axis=1), atol=1e-3)
    self.assertNotAllClose(path.q[:, -1], start.q, atol=0.05)
    still = [v.path for v, g in zip(variables, gradients, strict=True) if not np.abs(g).max() > 0]
    self.assertLessEqual(len(still), 2, still)  # the constants of V and K

  @parameterized.parameters(("hgn", "joint"), ("compact", "mass_matrix"))  # each compiles for seconds
  @pytest.mark.slow
  def test_trains_and_comes_back(self, name, kind):
    model = make(name, kind)
    model.compile(keras.optimizers.SGD(1e-3), jit_compile=False)
    before = [np.array(v) for v in energies(model)]
    history = model.fit(tf.data.Dataset.from_tensors(frames()).repeat(2), verbose=0).history
    self.assertTrue(np.isfinite(history["loss"]).all())
    self.assertGreater(max(np.abs(a - b).max() for a, b in zip(before, energies(model), strict=True)), 0)
    path = f"{self.get_temp_dir()}/model.keras"
    model.save(path)
    start = states(model)
    self.assertAllClose(keras.saving.load_model(path).energy(start), model.energy(start))

  def test_a_joint_energy_under_taos_method(self):
    model = make("compact", "joint", method="tao")
    path = tf.function(lambda: model.rollout(states(model), 40, 0.05), autograph=False)()
    energy = model.energy(path).numpy()
    self.assertAllClose(energy, np.repeat(energy[:, :1], 41, 1), atol=5e-3)

  def test_friction_takes_energy_and_is_learned(self):
    model = make("compact", "fixed_kinetic", damping=True, damping_hidden=(4,))
    start, friction = states(model), model.friction.trainable_variables

    @functools.partial(tf.function, autograph=False)
    def run():
      with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model._positions(start, 10, 0.1) ** 2)
      return model.rollout(start, 40, 0.1), tape.gradient(loss, friction)

    path, gradients = run()
    self.assertTrue(all(np.abs(g).max() > 0 for g in gradients))
    self.assertAllClose(model.friction(start.q), 0.02 * tf.ones((3, 2)), atol=0.01)
    energy = model.energy(path).numpy()
    self.assertAllLess(energy[:, 40] - energy[:, 0], -1e-3)
    back = model.rollout(PhaseSpace(path.q[:, -1], path.p[:, -1]), 40, -0.1)
    self.assertAllClose(back.q[:, -1], start.q, atol=1e-4)

  def test_friction_is_bounded_where_it_was_never_trained(self):
    model = make("compact", "fixed_kinetic", damping=True, damping_hidden=(4,))
    for v in model.friction.trainable_variables:
      v.assign(100.0 * tf.ones_like(v))
    self.assertAllInRange(model.friction(1e6 * states(model).q), 0.0, 1.0)
    back = model.rollout(states(model), 60, -0.125)
    self.assertTrue(np.isfinite(back.merge()).all())

  def test_configs_saved_before_are_of_separable_energies(self):
    for config in CONFIGS.values():
      old = {key: value for key, value in config.to_dict().items() if key not in ("energy_kind", "factor_hidden")}
      self.assertEqual(type(config).from_dict(old).energy_kind, "separable")

  @parameterized.parameters(
      ("hgn", dict(energy_kind="joint"), "method='leapfrog' needs energy_kind 'separable' or 'fixed_kinetic', got "
       "'joint'; euler, rk4, implicit_midpoint, tao take any"),
      ("compact", dict(energy_kind="mass_matrix", method="yoshida6"), "method='yoshida6' needs energy_kind 'sepa"),
      ("compact", dict(method="rk4"), "method must be one of leapfrog, ruth4, .* tao, got 'rk4'"),
      ("compact", dict(damping=True), "damping=True needs energy_kind='fixed_kinetic', got 'separable'"),
      ("compact", dict(damping=True, energy_kind="fixed_kinetic", method="tao"), "damping=True needs a symmetric"),
      ("hgn", dict(energy_kind="potential"), "energy_kind must be one of separable, fixed_kinetic, joint, mass_matrix"))
  def test_bad_input(self, name, changes, message):
    with self.assertRaisesRegex(ValueError, message):
      dataclasses.replace(CONFIGS[name], **changes)


class HNNTest(parameterized.TestCase, tf.test.TestCase):

  def pairs(self, n=256):
    """A bead of mass 1 on the wire y = q^2 / 2 under gravity: H = p^2 / (2 (1 + q^2)) + q^2 / 2."""
    q, p = np.random.default_rng(0).uniform(-1, 1, (2, n, 1))
    dp = q * p ** 2 / (1 + q ** 2) ** 2 - q
    return np.concatenate([q, p], 1), np.concatenate([p / (1 + q ** 2), dp], 1)

  def test_a_mass_matrix_is_found(self):
    keras.utils.set_random_seed(0)
    model = HNN(HNNConfig(model="mass_matrix", hidden=(32,), weight_decay=0.0, learning_rate=1e-2, steps=1000,
                          learning_rate_decay="cosine"))
    x, dx = (tf.constant(y, tf.float32) for y in self.pairs())
    model.compile(steps_per_execution=1000)
    model.fit(tf.data.Dataset.from_tensors((x, dx)).repeat(), steps_per_epoch=1000, verbose=0)
    q = tf.constant([[-0.8], [0.0], [0.8]])
    self.assertIsInstance(model.hamiltonian, MassMatrix)
    self.assertAllClose(model.hamiltonian.inverse_mass(q)[:, 0], 1 / (1 + q ** 2), atol=0.05)
    end = model.rollout(x[:4], 40, 0.05, "implicit_midpoint").merge()[:, -1]
    self.assertAllClose(model.rollout(end, 40, -0.05, "implicit_midpoint").merge()[:, -1], x[:4], atol=1e-4)
    with self.assertRaisesRegex(ValueError, "method='leapfrog' needs a separable hamiltonian.* got MassMatrix"):
      model.rollout(x[:4], 40, 0.05, "leapfrog")

  def test_a_known_kinetic_energy(self):
    model = HNN(HNNConfig(model="fixed_kinetic", hidden=(8,), mass=0.5))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    self.assertAllClose(model.time_derivative(x)[:, :2], x[:, 2:] / 0.5, rtol=1e-6)
    self.assertAllClose(model.energy(x) - model.energy(x * [1, 1, 0, 0]), (x[:, 2:] ** 2).sum(1), rtol=1e-4, atol=1e-5)
    end = model.rollout(x, 20, 0.05, "leapfrog").merge()[:, -1]
    self.assertAllClose(model.rollout(end, 20, -0.05, "leapfrog").merge()[:, -1], x, atol=1e-4)

  @parameterized.parameters("mass_matrix", "fixed_kinetic")
  def test_comes_back(self, kind):
    model = HNN(HNNConfig(model=kind, hidden=(8,), damping=True))
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    expected = model.time_derivative(x)
    model.save(f"{self.get_temp_dir()}/hnn.keras")
    self.assertAllClose(keras.saving.load_model(f"{self.get_temp_dir()}/hnn.keras").time_derivative(x), expected)

  def test_unknown_model_and_mass(self):
    with self.assertRaisesRegex(ValueError, "model must be one of hnn, separable, fixed_kinetic, mass_matrix, bod"):
      HNNConfig(model="lagrangian")
    with self.assertRaisesRegex(ValueError, "mass must be positive, got 0.0"):
      HNNConfig(model="fixed_kinetic", mass=0.0)


if __name__ == "__main__":
  tf.test.main()
