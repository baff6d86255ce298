"""Systems under a force that is constant between two frames."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import physics


def states(n=3, d=1):
  rng = np.random.default_rng(0)
  return rng.normal(size=(n, d)), rng.normal(size=(n, d))


class SimulateTest(parameterized.TestCase, tf.test.TestCase):

  def test_spring_turns_about_a_moving_rest(self):
    system, (q, p), dt = physics.MassSpring(), states(), 0.125
    force = np.random.default_rng(1).normal(size=(3, 6, 1))
    found_q, found_p = physics.simulate(system, q, p, dt, 6, force)
    for i in range(6):
      rest = force[:, i] / system.stiffness
      near_q, near_p = physics.simulate(system, found_q[:, i] - rest, found_p[:, i], dt, 1)
      self.assertAllClose(found_q[:, i + 1], near_q[:, 1] + rest, atol=1e-10)
      self.assertAllClose(found_p[:, i + 1], near_p[:, 1], atol=1e-10)

  @parameterized.parameters(("pendulum", 1), ("double_pendulum", 2))
  def test_energy_grows_by_the_work_of_the_force(self, name, d):
    system, (q, p) = physics.get_system(name), states(d=d)
    force = np.random.default_rng(1).normal(size=(3, 8, d))
    q, p = physics.simulate(system, q, p, 0.1, 8, force)
    work = np.sum(force * np.diff(q, axis=1), axis=-1)
    self.assertAllClose(np.diff(system.hamiltonian(q, p), axis=1), work, atol=1e-9)

  def test_no_force_is_none(self):
    system, (q, p) = physics.Pendulum(), states()
    self.assertAllClose(physics.simulate(system, q, p, 0.1, 5, np.zeros((3, 5, 1))),
                        physics.simulate(system, q, p, 0.1, 5), atol=1e-9)

  @parameterized.parameters(
      (np.zeros((3, 4, 1)), r"controls must have shape .n, num_steps, d. = .3, 5, 1., got .3, 4, 1."),
      (np.zeros((3, 5)), r"controls must have shape .* got .3, 5."),
      (np.full((3, 5, 1), np.nan), "controls must be finite"))
  def test_refuses(self, controls, message):
    with self.assertRaisesRegex(ValueError, message):
      physics.simulate(physics.Pendulum(), *states(), 0.1, 5, controls)


class ExamplesTest(parameterized.TestCase, tf.test.TestCase):

  def test_random_forces_are_held_and_obeyed(self):
    spec = physics.default_spec("pendulum", num_steps=7, resolution=16, control=0.8, control_hold=3)
    examples = physics.make_examples(spec, "train", range(20))
    force = examples["controls"]
    self.assertEqual(force.shape, (20, 7, 1))
    self.assertAllEqual(force[:, 0:3] == force[:, :1], np.ones((20, 3, 1), bool))
    self.assertFalse(np.any(force[:, 2] == force[:, 3]))
    self.assertBetween(np.abs(force).max(), 0.7, 0.8)
    q, p = physics.simulate(spec.system, examples["q"][:, 0], examples["p"][:, 0], spec.dt, 7, force)
    self.assertAllClose(q, examples["q"], atol=1e-9)
    self.assertAllClose(p, examples["p"], atol=1e-9)
    again = physics.make_examples(spec, "train", [3, 17])
    self.assertAllEqual(again["controls"], force[[3, 17]])

  @parameterized.parameters((dict(control=-1.0), "control must be at least 0"),
                            (dict(control_hold=0), "control_hold must be an integer of at least 1"))
  def test_spec_refuses(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      physics.default_spec("pendulum", **fields)


if __name__ == "__main__":
  tf.test.main()
