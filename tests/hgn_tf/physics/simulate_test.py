"""Simulated motion against exact solutions and conservation laws."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from scipy.integrate import solve_ivp

from hgn_tf import physics
from hgn_tf.physics.simulate import integrate


def _reference(system, q, p, dt, num_steps):
  """One trajectory by scipy at tight tolerance: [num_steps + 1, 2d]."""
  d = system.dimension

  def slope(_, state):
    return np.concatenate(system.vector_field(state[None, :d], state[None, d:]), axis=1)[0]

  times = dt * np.arange(num_steps + 1)
  return solve_ivp(slope, (0.0, times[-1]), np.concatenate([q, p]), "DOP853", times, rtol=1e-13, atol=1e-13).y.T


class SimulateTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(name=tuple(physics.SYSTEMS), dt=(0.125, -0.125))
  def test_agrees_with_scipy(self, name, dt):
    system = physics.get_system(name)
    rows = 4 if name in physics.PAPER else 1
    q0, p0 = system.sample_initial(np.random.default_rng(1), rows)
    q, p = physics.simulate(system, q0, p0, dt, 30)
    self.assertEqual(q.shape, (rows, 31, system.dimension))
    self.assertEqual(q.dtype, np.float64)
    tolerance = {"lennard_jones": 1e-5, "double_pendulum": 1e-7}.get(name, 1e-8)  # these two are chaotic
    for i in range(rows):
      self.assertAllClose(np.concatenate([q[i], p[i]], axis=1), _reference(system, q0[i], p0[i], dt, 30),
                          rtol=tolerance, atol=tolerance)

  @parameterized.parameters("mass_spring", "pendulum", "two_body", "charged_particle")
  def test_numerical_solver_meets_the_exact_solution(self, name):
    system = physics.get_system(name)
    q0, p0 = system.sample_initial(np.random.default_rng(2), 50)
    exact_q, exact_p = system.solve(q0, p0, 0.125 * np.arange(31))
    q, p = integrate(system, q0, p0, 0.125, 30)
    self.assertAllClose(q, exact_q, rtol=1e-8, atol=1e-8)
    self.assertAllClose(p, exact_p, rtol=1e-8, atol=1e-8)

  def test_pendulum_that_turns_over_and_one_that_swings(self):
    system = physics.Pendulum(gravity=2.0, mass=0.7, length=1.3)
    q0, p0 = np.array([[0.1], [2.0], [-3.0], [7.0], [0.0]]), np.array([[9.0], [-6.0], [0.01], [0.5], [0.0]])
    q, p = physics.simulate(system, q0, p0, 0.125, 30)
    numerical_q, numerical_p = integrate(system, q0, p0, 0.125, 30)
    self.assertAllClose(q, numerical_q, rtol=1e-8, atol=1e-8)
    self.assertAllClose(p, numerical_p, rtol=1e-8, atol=1e-8)
    self.assertGreater(q[0, -1, 0], 2 * np.pi)

  @parameterized.parameters(0.5, 1.0, np.sqrt(2.0), 1.8)
  def test_two_bodies_on_ellipse_circle_parabola_and_hyperbola(self, speed):
    system = physics.NBody(bodies=2, orbit_noise=0.0, gravity=1.3, mass=0.8)
    q0, p0 = system.sample_initial(np.random.default_rng(3), 8)
    q, p = physics.simulate(system, q0, speed * p0, 0.125, 40)
    numerical_q, numerical_p = integrate(system, q0, speed * p0, 0.125, 40)
    self.assertAllClose(q, numerical_q, rtol=1e-7, atol=1e-7)
    self.assertAllClose(p, numerical_p, rtol=1e-7, atol=1e-7)

  def test_mass_spring_has_its_period(self):
    system = physics.MassSpring(stiffness=3.0, mass=0.2)
    q, p = physics.simulate(system, [[0.4]], [[0.3]], 2 * np.pi * np.sqrt(0.2 / 3.0), 1)
    self.assertAllClose(q[:, 1], [[0.4]], rtol=1e-13)
    self.assertAllClose(p[:, 1], [[0.3]], rtol=1e-13)

  @parameterized.parameters(*physics.SYSTEMS)
  def test_energy_is_conserved_to_1e_8(self, name):
    spec = physics.default_spec(name)
    energy = physics.make_examples(spec, "train", range(256 if name in physics.PAPER else 16))["energy"]
    self.assertAllLess(np.abs(energy - energy[:, :1]) / np.maximum(np.abs(energy[:, :1]), 0.1), 1e-8)

  @parameterized.parameters("two_body", "three_body")
  def test_momentum_and_angular_momentum_are_conserved(self, name):
    system = physics.get_system(name)
    q, p = physics.simulate(system, *system.sample_initial(np.random.default_rng(4), 64), 0.125, 30)
    bodies, momenta = system.positions(q), system.positions(p)
    momentum = momenta.sum(axis=-2)
    spin = (bodies[..., 0] * momenta[..., 1] - bodies[..., 1] * momenta[..., 0]).sum(axis=-1)
    self.assertAllClose(momentum, np.broadcast_to(momentum[:, :1], momentum.shape), rtol=1e-8, atol=1e-8)
    self.assertAllClose(spin, np.broadcast_to(spin[:, :1], spin.shape), rtol=1e-8, atol=1e-8)

  def test_reversed_motion_returns(self):
    system = physics.get_system("three_body")
    q0, p0 = system.sample_initial(np.random.default_rng(5), 16)
    q, p = physics.simulate(system, q0, p0, 0.125, 10)
    q, p = physics.simulate(system, q[:, -1], p[:, -1], -0.125, 10)
    self.assertAllClose(q[:, -1], q0, rtol=1e-8, atol=1e-8)
    self.assertAllClose(p[:, -1], p0, rtol=1e-8, atol=1e-8)

  def test_a_close_encounter_keeps_its_energy_and_leaves_its_neighbours_alone(self):
    system = physics.get_system("three_body")
    q0, p0 = system.sample_initial(np.random.default_rng(6), 3)
    q0[1], p0[1] = [-0.5, 0.0, 0.5, 0.0, 0.0, 1.5], [0.2, 0.05, -0.2, -0.02, 0.0, 0.0]
    q, p = physics.simulate(system, q0, p0, 0.125, 30)
    pair = q[1].reshape(31, 3, 2)
    self.assertLess(np.linalg.norm(pair[:, 0] - pair[:, 1], axis=-1).min(), 0.2)
    energy = system.hamiltonian(q, p)
    self.assertAllLess(np.abs(energy / energy[:, :1] - 1.0), 1e-8)
    for i in (0, 2):
      alone = physics.simulate(system, q0[i : i + 1], p0[i : i + 1], 0.125, 30)
      self.assertAllEqual(q[i], alone[0][0])

  def test_damped_mass_spring_decays_as_it_should(self):
    system = physics.MassSpring(friction=0.4)
    q, _ = physics.simulate(system, [[0.5]], [[0.0]], 0.125, 30)
    rate, frequency = 0.2, np.sqrt(4.0 - 0.04)
    t = 0.125 * np.arange(31)
    expected = 0.5 * np.exp(-rate * t) * (np.cos(frequency * t) + rate / frequency * np.sin(frequency * t))
    self.assertAllClose(q[0, :, 0], expected, rtol=1e-9, atol=1e-9)

  def test_bad_arguments_are_named(self):
    system = physics.get_system("two_body")
    with self.assertRaisesRegex(ValueError, r"shape \[n, 4\], got \(3, 2\)"):
      physics.simulate(system, np.zeros((3, 2)), np.zeros((3, 2)), 0.1, 1)
    with self.assertRaisesRegex(ValueError, "num_steps must be at least 0, got -1"):
      physics.simulate(system, np.ones((3, 4)), np.ones((3, 4)), 0.1, -1)

  def test_no_steps_give_the_start(self):
    system = physics.get_system("three_body")
    q0, p0 = system.sample_initial(np.random.default_rng(7), 2)
    q, p = physics.simulate(system, q0, p0, 0.125, 0)
    self.assertAllEqual(q[:, 0], q0)
    self.assertAllEqual(p[:, 0], p0)
