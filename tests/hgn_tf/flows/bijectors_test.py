"""Every Hamiltonian bijector against its inverse, its autodiff Jacobian, its shapes and TransformedDistribution."""

import itertools
import types

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from hgn_tf.flows.bijectors import HamiltonianFlow, HamiltonianStep
from hgn_tf.mechanics.hamiltonians import Joint, MassMatrix, Separable
from hgn_tf.mechanics.integrators import INTEGRATORS
from hgn_tf.mechanics.port_hamiltonian import PortHamiltonian
from hgn_tf.mechanics.roots import jacobian
from hgn_tf.networks import CholeskyFactor, MLPEnergy

tfd = tfp.distributions
SYMPLECTIC = sorted(name for name, method in INTEGRATORS.items() if method.symplectic)
KINDS = ["step", "learned_dt", "shared", "flow"]
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
SOLVED = 5  # times that, where a solver's own tolerance of 32 roundings comes in


def pendulum():
  return Separable(lambda p: tf.reduce_sum(p**2, -1), lambda q: tf.reduce_sum(1 - tf.cos(q), -1))


def mlp(d, dtype):
  policy = keras.config.dtype_policy()
  keras.config.set_dtype_policy(dtype)
  try:
    energies = [MLPEnergy((16,)) for _ in range(2)]
    for energy in energies:
      energy.build((None, d))
  finally:
    keras.config.set_dtype_policy(policy)
  return Separable(*energies)


def not_separable(kind, dtype):
  """A learned energy of two pairs."""
  energy = MLPEnergy((16,), dtype=dtype)
  energy.build((None, 4 if kind == "joint" else 2))
  if kind == "joint":
    return Joint(energy)
  factor = CholeskyFactor((8,), dtype=dtype)
  factor.build((None, 2))
  return MassMatrix(factor, energy)


def bijector(kind, method, d, dtype):
  if kind == "step":
    return HamiltonianStep(pendulum(), 0.3, method)
  if kind == "learned_dt":
    return HamiltonianStep(mlp(d, dtype), tf.Variable(0.5, dtype=dtype), method)
  if kind == "shared":
    return HamiltonianFlow([HamiltonianStep(mlp(d, dtype), 0.3, method)] * 2)
  return HamiltonianFlow([HamiltonianStep(mlp(d, dtype), dt, method) for dt in (0.5, -0.2)])


def points(n, d, dtype):
  return tf.constant(np.random.default_rng(0).normal(size=(n, 2 * d)), dtype)


class BijectorTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      *itertools.product(KINDS, ["symplectic_euler", "leapfrog", "ruth4"], ["float64"]),
      *itertools.product(KINDS, ["leapfrog"], ["float32"]),
      ("flow", "mclachlan4", "float64"), ("flow", "yoshida6", "float64"), ("step", "implicit_midpoint", "float32"),
      ("flow", "implicit_midpoint", "float64"))
  def test_contract(self, kind, method, dtype):
    d = 1 if kind == "step" else 2
    bij, x = bijector(kind, method, d, dtype), points(5, d, dtype)
    tol = TOLERANCE[dtype] * (SOLVED if method == "implicit_midpoint" else 1)
    y = bij.forward(x)
    self.assertEqual(y.dtype, x.dtype)
    self.assertGreater(np.abs(y - x).max(), 1e-2)
    self.assertAllClose(bij.inverse(tf.identity(y)), x, rtol=tol, atol=tol)
    self.assertAllClose(bij.forward(tf.identity(bij.inverse(x))), x, rtol=tol, atol=tol)
    self.check_jacobian(bij, x, tol)
    self.check_shapes(bij, x)
    self.check_transformed_distribution(bij, d, dtype)

  def check_jacobian(self, bij, x, tol):
    found, d = jacobian(bij.forward, x).numpy(), x.shape[-1] // 2
    omega = np.block([[np.zeros((d, d)), np.eye(d)], [-np.eye(d), np.zeros((d, d))]]).astype(found.dtype)
    self.assertAllClose(np.swapaxes(found, 1, 2) @ omega @ found, np.tile(omega, (5, 1, 1)), atol=tol)
    self.assertAllClose(np.linalg.det(found), np.ones(5), atol=10 * tol)
    for log_det in (bij.forward_log_det_jacobian(x, 1), bij.inverse_log_det_jacobian(x, 1)):
      self.assertAllEqual(log_det + tf.zeros(5, x.dtype), np.zeros(5))
      self.assertEqual(log_det.dtype, x.dtype)

  def check_shapes(self, bij, x):
    self.assertTrue(bij.is_constant_jacobian)
    self.assertEqual(bij.forward_min_event_ndims, 1)
    self.assertEqual(bij.forward_event_shape(x.shape[1:]), x.shape[1:])
    deep = tf.tile(x[None, None], [2, 3, 1, 1])
    self.assertAllClose(bij.forward(deep), tf.tile(bij.forward(x)[None, None], [2, 3, 1, 1]), rtol=1e-5, atol=1e-5)
    self.assertAllClose(bij.forward(x[0]), bij.forward(x)[0], rtol=1e-5, atol=1e-5)
    graph = tf.function(bij.forward, [tf.TensorSpec([None, x.shape[1]], x.dtype)], autograph=False)
    self.assertAllClose(graph(x), bij.forward(x), rtol=1e-5, atol=1e-5)

  def check_transformed_distribution(self, bij, d, dtype):
    base = tfd.MultivariateNormalDiag(tf.zeros(2 * d, dtype))
    dist = tfd.TransformedDistribution(base, bij)
    sample = tf.identity(dist.sample(7, seed=(0, 1)))
    self.assertEqual(sample.shape, (7, 2 * d))
    self.assertAllClose(dist.log_prob(sample), base.log_prob(bij.inverse(tf.identity(sample))), rtol=1e-5, atol=1e-5)
    self.assertAllClose(sample, bij.forward(base.sample(7, seed=(0, 1))), rtol=1e-5, atol=1e-5)

  @parameterized.product(method=SYMPLECTIC, dtype=["float32", "float64"])
  def test_round_trip_of_ten_steps(self, method, dtype):
    flow = HamiltonianFlow([HamiltonianStep(pendulum(), 0.1, method)] * 10)
    x = points(100, 2, dtype)
    tol = TOLERANCE[dtype] * (SOLVED if method == "implicit_midpoint" else 1)
    self.assertLess(np.abs(flow.inverse(tf.identity(flow.forward(x))) - x).max(), tol)

  @parameterized.parameters(("joint", "float32"), ("joint", "float64"), ("mass_matrix", "float64"))
  def test_energies_that_do_not_separate(self, kind, dtype):
    bij = HamiltonianStep(not_separable(kind, dtype), 0.3, "implicit_midpoint")
    x, tol = points(5, 2, dtype), SOLVED * TOLERANCE[dtype]
    y = bij.forward(x)
    self.assertGreater(np.abs(y - x).max(), 1e-2)
    self.assertAllClose(bij.inverse(tf.identity(y)), x, rtol=tol, atol=tol)
    self.check_jacobian(bij, x, tol)
    variables = bij.trainable_variables
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(bij.forward(tf.identity(x)) ** 2)
    gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    moved = [np.abs(g).max() > 0 for g in gradients]
    self.assertEqual((len(moved), sum(moved)), (4, 3) if kind == "joint" else (8, 7))  # but for the constant of H

  def test_density_integrates_to_one(self):
    flow = HamiltonianFlow([HamiltonianStep(pendulum(), 0.5)] * 4)
    dist = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(2)), flow)
    axis = np.linspace(-20, 20, 401, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    self.assertAllClose(np.exp(dist.log_prob(grid)).sum() * (axis[1] - axis[0])**2, 1.0, atol=1e-2)

  def test_dt_is_learnable(self):
    dt = tf.Variable(0.3)
    with tf.GradientTape() as tape:
      y = HamiltonianStep(pendulum(), dt).forward(tf.constant([[1.0, 0.0]]))
    self.assertLess(tape.gradient(y, dt), -0.1)  # the pendulum starts to fall

  @parameterized.parameters("euler", "rk4", "tao")
  def test_refuses_methods_without_exact_inverse(self, method):
    with self.assertRaisesRegex(ValueError, f"method must be symplectic.*{method}"):
      HamiltonianStep(pendulum(), 0.1, method)

  def test_refuses_bad_arguments(self):
    with self.assertRaisesRegex(ValueError, "method='leapfrog' needs a separable hamiltonian"):
      HamiltonianStep(lambda state: state.q, 0.1)
    with self.assertRaisesRegex(ValueError, "hamiltonian must be an energy.* got PortHamiltonian"):
      HamiltonianStep(PortHamiltonian(pendulum().potential), 0.1, "implicit_midpoint")
    apart = types.SimpleNamespace(kinetic=pendulum().kinetic, potential=pendulum().potential)
    with self.assertRaisesRegex(ValueError, "method='implicit_midpoint' needs a hamiltonian that maps a PhaseSpace"):
      HamiltonianStep(apart, 0.1, "implicit_midpoint")
    with self.assertRaisesRegex(ValueError, "steps must be one or more"):
      HamiltonianFlow([])
    with self.assertRaisesRegex(ValueError, "even length"):
      HamiltonianStep(pendulum(), 0.1).forward(tf.zeros([4, 3]))


if __name__ == "__main__":
  tf.test.main()
