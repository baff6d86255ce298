"""Energies, vector fields and initial states of the systems."""

import numpy as np
import scipy.stats
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import physics


def _states(system, n=5, seed=0):
  return system.sample_initial(np.random.default_rng(seed), n)


class SystemsTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      ("mass_spring", [0.3], [-0.4], 0.09 + 0.16),
      ("pendulum", [np.pi / 3], [0.5], 3.0 * 0.5 + 0.25),
      ("two_body", [-0.5, 0.0, 0.5, 0.0], [0.0, -1.0, 0.0, 1.0], 1.0 - 1.0),
      ("three_body", [0.0, 0.0, 1.0, 0.0, 0.0, 1.0], [0.0] * 6, -1.0 - 1.0 - np.sqrt(0.5)),
      ("double_pendulum", [np.pi / 2, 0.0], [0.5, 0.25], (0.25 + 0.125) / 2.0 + 1.5 * 2.0),
      ("charged_particle", [2.0, 0.0], [0.0, 2.0], 0.5 + 0.25 * 4.0),
      ("henon_heiles", [0.5, 0.3], [0.4, 0.0], 0.08 + 0.17 + 0.075 - 0.009),
      ("matching_pennies", [0.0], [np.log(3.0)], 8.0 * np.log(2.0) + 4.0 * np.log(2.0) - 2.0 * np.log(3.0)),
      ("rock_paper_scissors", [0.0, 0.0], [0.0, np.log(2.0)], -3.0 * np.log(3.0) - 3.0 * np.log(2.5) - np.log(2.0)),
  )
  def test_hamiltonian_by_hand(self, name, q, p, energy):
    system = physics.get_system(name)
    self.assertAllClose(system.hamiltonian(np.array([q]), np.array([p])), [energy], rtol=1e-14, atol=1e-14)

  @parameterized.parameters(*physics.SYSTEMS)
  def test_vector_field_is_the_symplectic_gradient(self, name):
    system = physics.get_system(name)
    q, p = _states(system)
    dq, dp = system.vector_field(q, p)
    step = 1e-6
    for i in range(system.dimension):
      shift = np.zeros(system.dimension)
      shift[i] = step
      by_p = (system.hamiltonian(q, p + shift) - system.hamiltonian(q, p - shift)) / (2 * step)
      by_q = (system.hamiltonian(q + shift, p) - system.hamiltonian(q - shift, p)) / (2 * step)
      self.assertAllClose(dq[:, i], by_p, atol=1e-8)
      self.assertAllClose(dp[:, i], -by_q, atol=1e-8)

  @parameterized.parameters("matching_pennies", "rock_paper_scissors")
  def test_games_follow_the_replicator_equations(self, name):
    system = physics.get_system(name)
    payoff = {"matching_pennies": np.array([[1.0, -1.0], [-1.0, 1.0]]),
              "rock_paper_scissors": np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])}[name]
    q, p = _states(system)
    dq, dp = system.vector_field(q, p)
    step = 1e-6
    x, y = system.strategies(q, p)
    slopes = [(after - before) / (2 * step) for after, before in zip(
        system.strategies(q + step * dq, p + step * dp), system.strategies(q - step * dq, p - step * dp), strict=True)]
    for slope, own, value in ((slopes[0], x, y @ payoff.T), (slopes[1], y, -x @ payoff)):
      self.assertAllClose(slope, own * (value - np.sum(own * value, axis=-1, keepdims=True)), atol=1e-8)

  def test_strategies_start_uniformly(self):
    x, y = physics.RockPaperScissors().strategies(*_states(physics.RockPaperScissors(), 4000))
    for share in (x[:, 0], x[:, 2], y[:, 1]):  # each a Beta(1, 2) on the simplex
      self.assertGreater(scipy.stats.kstest(share, scipy.stats.beta(1, 2).cdf).pvalue, 1e-3)

  def test_henon_heiles_states_are_bound(self):
    system = physics.HenonHeiles(radius=(0.49, 0.4999))
    self.assertAllLess(system.hamiltonian(*_states(system, 2000)), 1.0 / 6.0)

  def test_lennard_jones_fluid(self):
    system = physics.LennardJones(bodies=16, density=0.77, temperature=0.5)
    q, p = _states(system, 3)
    momenta = p.reshape(3, 16, 2)
    self.assertAllClose(momenta.sum(axis=1), np.zeros((3, 2)), atol=1e-12)
    self.assertAllClose(np.sum(p**2, axis=-1) / 30, [0.5] * 3, rtol=1e-12)
    self.assertAllClose(system.box, np.sqrt(16 / 0.77))
    shifted = q + system.box * np.random.default_rng(0).integers(-2, 3, q.shape)
    self.assertAllClose(system.force(shifted), system.force(q), rtol=1e-9, atol=1e-9)
    self.assertAllClose(system.hamiltonian(shifted, p), system.hamiltonian(q, p), rtol=1e-10)

  def test_lennard_jones_pair_has_its_well(self):
    system = physics.LennardJones()
    apart = np.array([4.9, 4.9, -4.9, -4.9])  # more than the cutoff from the others and each other
    pair = lambda r: np.array([[0.0, 0.0, r, 0.0, *apart]])  # noqa: E731
    at_rest = np.zeros((1, 8))
    energies = [system.hamiltonian(pair(r), at_rest)[0] for r in np.linspace(1.0, 2.6, 161)]
    self.assertAllClose(1.0 + 0.01 * np.argmin(energies), 2.0 ** (1 / 6), atol=0.011)
    self.assertAllClose(energies[-11:], [energies[-1]] * 11, atol=1e-12)  # nothing beyond the cutoff
    self.assertAllClose(system.force(pair(1.5))[0, :2] + system.force(pair(1.5))[0, 2:4], [0.0, 0.0], atol=1e-12)

  def test_friction_takes_momentum(self):
    q, p = np.array([[0.2]]), np.array([[0.7]])
    _, free = physics.MassSpring().vector_field(q, p)
    _, damped = physics.MassSpring(friction=0.5).vector_field(q, p)
    self.assertAllClose(damped - free, -0.5 * p, rtol=1e-14)

  @parameterized.parameters("mass_spring", "pendulum")
  def test_initial_states_lie_on_circles_of_uniform_radius(self, name):
    system = physics.get_system(name)
    q, p = _states(system, 4000)
    low, high = system.radius
    radius = scipy.stats.kstest(np.hypot(q, p)[:, 0], scipy.stats.uniform(low, high - low).cdf)
    angle = scipy.stats.kstest(np.arctan2(p, q)[:, 0], scipy.stats.uniform(-np.pi, 2 * np.pi).cdf)
    self.assertGreater(radius.pvalue, 1e-3)
    self.assertGreater(angle.pvalue, 1e-3)

  @parameterized.parameters("two_body", "three_body")
  def test_bodies_start_evenly_on_circles_of_uniform_radius(self, name):
    system = physics.get_system(name)
    q, _ = _states(system, 4000)
    bodies = system.positions(q)
    radius = np.linalg.norm(bodies, axis=-1)
    self.assertAllClose(radius, np.broadcast_to(radius[:, :1], radius.shape), rtol=1e-12)
    self.assertAllClose(bodies.sum(axis=1), np.zeros((4000, 2)), atol=1e-12)
    low, high = system.radius
    self.assertGreater(scipy.stats.kstest(radius[:, 0], scipy.stats.uniform(low, high - low).cdf).pvalue, 1e-3)

  @parameterized.parameters("two_body", "three_body")
  def test_unperturbed_orbits_are_circles(self, name):
    system = physics.NBody(bodies=physics.get_system(name).bodies, orbit_noise=0.0, gravity=1.7, mass=0.6)
    q, p = _states(system)
    path, _ = physics.simulate(system, q, p, 0.5, 20)
    radius = np.linalg.norm(system.positions(path), axis=-1)
    self.assertAllClose(radius, np.broadcast_to(radius[:, :1, :1], radius.shape), rtol=1e-8)

  def test_orbit_noise_of_two_bodies_scales_both_momenta(self):
    system = physics.get_system("two_body")
    q, p = _states(system, 20000)
    bodies, momenta = system.positions(q), system.positions(p)
    self.assertAllClose(momenta.sum(axis=1), np.zeros((20000, 2)), atol=1e-12)
    scale = np.linalg.norm(momenta[:, 0], axis=-1) / system.circular_speed(np.linalg.norm(bodies[:, 0], axis=-1))
    self.assertAllClose(scale.mean(), 1.0, atol=2e-3)
    self.assertAllClose(scale.std(), 0.05, atol=2e-3)

  def test_orbit_noise_of_three_bodies_is_per_component(self):
    system = physics.get_system("three_body")
    quiet = physics.NBody(bodies=3, radius=system.radius, orbit_noise=0.0)
    factor = _states(system, 5000)[1] / _states(quiet, 5000)[1]
    self.assertAllInRange(factor, 0.8, 1.2)
    self.assertGreater(scipy.stats.kstest(factor[:, 3], scipy.stats.uniform(0.8, 0.4).cdf).pvalue, 1e-3)

  def test_max_angle_is_the_amplitude_of_the_swing(self):
    system = physics.Pendulum(max_angle=(0.2, 0.5))
    q, p = _states(system, 2000)
    amplitude = np.arccos(1.0 - system.hamiltonian(q, p) / 3.0)
    self.assertAllInRange(amplitude, 0.2 - 1e-9, 0.5 + 1e-9)
    self.assertGreater(scipy.stats.kstest(amplitude, scipy.stats.uniform(0.2, 0.3).cdf).pvalue, 1e-3)
    self.assertAllClose(np.mean(q > 0), 0.5, atol=0.05)
    self.assertAllClose(np.mean(p > 0), 0.5, atol=0.05)

  def test_ranges_of_constants_are_drawn_per_trajectory(self):
    system = physics.MassSpring(mass=(0.4, 0.6)).draw_constants(np.random.default_rng(0), 1000)
    self.assertEqual(system.mass.shape, (1000,))
    self.assertAllInRange(system.mass, 0.4, 0.6)
    self.assertEqual(system.stiffness, 2.0)
    q, p = np.full((1000, 1), 0.3), np.full((1000, 1), 0.2)
    self.assertAllClose(system.hamiltonian(q, p), 0.09 + 0.04 / (2 * system.mass), rtol=1e-14)

  @parameterized.parameters(
      (physics.MassSpring, {"mass": 0.0}, "mass must be positive"),
      (physics.MassSpring, {"stiffness": -1.0}, "stiffness must be positive"),
      (physics.Pendulum, {"length": float("nan")}, "length must be positive"),
      (physics.NBody, {"mass": (0.0, 1.0)}, "mass must be positive"),
      (physics.NBody, {"gravity": (2.0, 1.0)}, "gravity must be a pair"),
      (physics.NBody, {"radius": 1.0}, "radius must be a pair"),
      (physics.NBody, {"bodies": 1}, "bodies must be at least 2"),
      (physics.NBody, {"orbit_noise": -0.1}, "orbit_noise must be at least 0"),
      (physics.Pendulum, {"friction": -0.1}, "friction must be at least 0"),
      (physics.Pendulum, {"max_angle": (0.0, 4.0)}, "max_angle must be a pair"),
      (physics.Pendulum, {"canvas": 0.0}, "canvas must be positive"),
      (physics.DoublePendulum, {"length": 0.0}, "length must be positive"),
      (physics.ChargedParticle, {"field": 0.0}, "field must be positive"),
      (physics.ChargedParticle, {"stiffness": -1.0}, "stiffness must be at least 0"),
      (physics.LennardJones, {"bodies": 5}, "bodies must be a square number of at least 4, got 5"),
      (physics.LennardJones, {"density": 0.0}, "density must be positive"),
      (physics.LennardJones, {"canvas": 1.0}, "canvas must be half the box, 5 at this density, got 1.0"),
  )
  def test_bad_values_are_named(self, make, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      make(**fields)

  def test_unknown_system_lists_the_known_ones(self):
    with self.assertRaisesRegex(ValueError, "'spring'; known: charged_particle, double_pendulum, .* two_body"):
      physics.get_system("spring")
