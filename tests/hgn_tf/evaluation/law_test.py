import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import physics
from hgn_tf.data import truth
from hgn_tf.evaluation import law
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace


class MeasuresTest(parameterized.TestCase, tf.test.TestCase):

  def test_energies_up_to_an_increasing_function(self):
    true = np.random.default_rng(0).random(400)
    self.assertGreater(law.energy_r_squared(np.exp(5 * true), true), 0.999)
    self.assertLess(law.energy_r_squared(-true, true), 0.1)
    self.assertLess(law.energy_r_squared(np.random.default_rng(1).random(400), true), 0.1)

  def test_states_up_to_a_smooth_map(self):
    true = np.random.default_rng(0).normal(size=(80, 11, 2))
    turned = np.stack([true[..., 0] + 0.2 * true[..., 1] ** 2, 3 * true[..., 1]], axis=-1)
    self.assertGreater(law.state_r_squared(turned, true), 0.98)
    self.assertLess(law.state_r_squared(turned[..., :1], true), 0.8)

  @parameterized.parameters(0.05, 0.13, 0.4)
  def test_frequency(self, frequency):
    times = 0.125 * np.arange(600)
    path = np.stack([np.cos(2 * np.pi * frequency * times + phase) for phase in (0.0, 1.0)])[..., None]
    self.assertAllClose(law.frequencies(path, 0.125), [frequency, frequency], rtol=2e-3)

  def test_no_frequency_without_a_turn(self):
    self.assertAllEqual(np.isnan(law.frequencies(np.linspace(0, 1, 50)[None, :, None], 0.1)), [True])


class TrueModel:
  """The true spring in the place of a model: infers exactly, and draws nothing but its position."""

  class config:  # noqa: N801
    dt = 0.125

  def __init__(self, world):
    self.world, self.system = world, world.spec.system

  def infer(self, frames):
    del frames
    return PhaseSpace(*(tf.constant(x[:, 0], tf.float64) for x in (self.world.q, self.world.p)))

  def rollout(self, state, num_steps, dt=0.125):
    c = self.system
    hamiltonian = Separable(lambda p: tf.reduce_sum(p ** 2, -1) / (2 * c.mass),
                            lambda q: c.stiffness * tf.reduce_sum(q ** 2, -1) / 2)
    return integrate(hamiltonian, state, tf.constant(dt, tf.float64), num_steps, "ruth4")

  def energy(self, state):
    c = self.system
    return tf.reduce_sum(state.p ** 2, -1) / (2 * c.mass) + c.stiffness * tf.reduce_sum(state.q ** 2, -1) / 2

  def decode(self, q):
    return q[..., None, None] * tf.reshape(tf.linspace(tf.cast(-1.0, q.dtype), 1.0, 4), [1, 1, 2, 2, 1])


class CompareTest(tf.test.TestCase):

  def test_the_true_law_is_the_law(self):
    frames, world = truth.simulate(physics.default_spec("mass_spring"), "test", 60, 8)
    model = TrueModel(world)
    found = law.compare(model, frames, world, long=100).figures()
    self.assertGreater(found["energy_r2"], 0.99)
    self.assertGreater(found["state_r2"], 0.99)
    kept = law.endurance(model, frames[:3], num_steps=300)
    self.assertAllClose([kept["amplitude"], kept["sharpness"]], [1.0, 1.0], atol=0.05)
    self.assertLess(kept["energy_drift"], 1e-3)


if __name__ == "__main__":
  tf.test.main()
