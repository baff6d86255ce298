"""Hamiltonian bijectors among TFP's own: what a bijector owes, alone, in chains, batches and distributions."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from hgn_tf.flows.bijectors import HamiltonianFlow, HamiltonianStep
from hgn_tf.flows.conditional import Conditioned
from hgn_tf.flows.distributions import Twist
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.roots import jacobian

tfb, tfd = tfp.bijectors, tfp.distributions
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def kinetic(p):
  return tf.reduce_sum(p**2, -1)


def potential(q):
  return tf.reduce_sum(1 - tf.cos(q), -1) + q[:, 0] * q[:, -1]


def flow(*dts):
  return HamiltonianFlow([HamiltonianStep(Separable(kinetic, potential), dt) for dt in dts])


def conditional():
  energy = Conditioned(lambda x: potential(x[:, :2]) * x[:, 2], tf.constant([[0.5], [1.0], [2.0]], tf.float64))
  return HamiltonianFlow([HamiltonianStep(Separable(kinetic, energy), 0.4)] * 2)


BIJECTORS = {
    "step": lambda dtype: HamiltonianStep(Separable(kinetic, potential), 0.3),
    "flow": lambda dtype: flow(0.5, -0.2),
    "chain": lambda dtype: tfb.Chain([tfb.Shift(tf.ones(4, dtype)), tfb.Scale(tf.constant([1, 2, 3, 4], dtype)),
                                      flow(0.5), tfb.Permute([1, 0, 3, 2]), flow(-0.2)]),
    "batch": lambda dtype: flow(0.5, tf.constant([0.1, 0.2, 0.3], dtype)),
    "chain of a batch": lambda dtype: tfb.Chain([tfb.Tanh(), flow(tf.constant([[0.1], [0.3]], dtype)),
                                                 tfb.Scale(tf.ones([3, 1], dtype) / 2)]),
    "inverted": lambda dtype: tfb.Invert(flow(0.5)),
    "learned batch": lambda dtype: flow(tf.Variable([0.1, 0.2, 0.3], dtype=dtype)),
}
BATCHES = {"batch": [3], "chain of a batch": [2, 3], "learned batch": [3]}
cases = parameterized.product(name=list(BIJECTORS), dtype=["float32", "float64"])
once = parameterized.parameters(*BIJECTORS)


def events(dtype, *shape):
  return tf.constant(np.random.default_rng(0).normal(size=(*shape, 4)), dtype)


def moved(bijector, x, column):
  """The derivative of the image of x along the accumulator's tangent, flat."""
  with column:
    y = bijector.forward(tf.identity(x))
  return column.jvp(y).numpy().ravel()


class CompositionTest(tf.test.TestCase, parameterized.TestCase):

  @cases
  def test_inverse_shapes_and_types(self, name, dtype):
    bijector, batch, tol = BIJECTORS[name](dtype), BATCHES.get(name, []), TOLERANCE[dtype]
    x = events(dtype, 5, *batch)
    y = bijector.forward(x)
    self.assertEqual((y.shape, y.dtype), (x.shape, x.dtype))
    self.assertEqual(bijector.experimental_batch_shape(), batch)
    self.assertAllEqual(bijector.experimental_batch_shape_tensor(), batch)
    self.assertAllClose(bijector.inverse(tf.identity(y)), x, rtol=10 * tol, atol=10 * tol)
    self.assertEqual(bijector.forward(x[0, ..., :1, :] if batch else x[0]).shape, x.shape[1:])

  @parameterized.parameters(*((name, "float64") for name in BIJECTORS if name != "learned batch"), ("flow", "float32"))
  def test_log_determinant_is_that_of_the_jacobian(self, name, dtype):
    bijector, batch = BIJECTORS[name](dtype), BATCHES.get(name, [])
    x = events(dtype, *batch)
    each = tf.reshape(tf.eye(x.shape.num_elements(), dtype=dtype), [-1, *x.shape])
    columns = [tf.autodiff.ForwardAccumulator(x, tangent) for tangent in each]
    expected = np.linalg.slogdet(np.stack([moved(bijector, x, column) for column in columns]))[1]
    found = bijector.forward_log_det_jacobian(tf.identity(x), 1) + tf.zeros(x.shape[:-1], dtype)
    tol = 40 * TOLERANCE[dtype]
    self.assertAllClose(tf.reduce_sum(found), expected, atol=tol, rtol=tol)
    back = bijector.inverse_log_det_jacobian(tf.identity(bijector.forward(tf.identity(x))), 1)
    self.assertAllClose(back + tf.zeros(x.shape[:-1], dtype), -found, atol=tol, rtol=tol)

  @once
  def test_functions_of_every_kind(self, name):
    bijector, batch = BIJECTORS[name]("float64"), BATCHES.get(name, [])
    x = events("float64", 5, *batch)
    y = bijector.forward(x)
    for options in (dict(), dict(jit_compile=True), dict(input_signature=[tf.TensorSpec([None, *batch, 4], x.dtype)])):
      graph = tf.function(lambda x: bijector.forward(x), autograph=False, **options)
      self.assertAllClose(graph(x), y, rtol=1e-10, atol=1e-10)
    self.assertAllClose(tf.vectorized_map(bijector.forward, x), y, rtol=1e-10, atol=1e-10)

  @once
  def test_transformed_distribution(self, name):
    bijector, batch = BIJECTORS[name]("float64"), BATCHES.get(name, [])
    base = tfd.MultivariateNormalDiag(tf.zeros(4, tf.float64))
    density = tfd.TransformedDistribution(base, bijector)
    self.assertEqual((density.batch_shape, density.event_shape), (batch, [4]))
    sample = tf.identity(density.sample(6, seed=(0, 1)))
    self.assertEqual(sample.shape, [6, *batch, 4])
    expected = base.log_prob(bijector.inverse(sample)) + bijector.inverse_log_det_jacobian(sample, 1)
    self.assertAllClose(density.log_prob(tf.identity(sample)), expected, rtol=1e-10)

  @parameterized.parameters(tfd.JointDistributionNamed, tfd.JointDistributionNamedAutoBatched)
  def test_joint_distribution(self, kind):
    base = tfd.MultivariateNormalDiag(tf.zeros(4, tf.float64))
    joint = kind({
        "scale": tfd.LogNormal(tf.constant(0.0, tf.float64), 1.0),
        "state": lambda scale: tfd.TransformedDistribution(base, tfb.Chain([tfb.Scale(scale[..., None]), flow(0.5)])),
        "seen": lambda state: tfd.Independent(tfd.Normal(state[..., :2], 0.1), 1)})
    draw = joint.sample(3, seed=(0, 1))
    self.assertEqual((draw["state"].shape, draw["seen"].shape), ([3, 4], [3, 2]))
    state = flow(0.5).inverse(draw["state"] / draw["scale"][:, None])
    expected = (tfd.LogNormal(tf.constant(0.0, tf.float64), 1.0).log_prob(draw["scale"]) + base.log_prob(state)
                - 4 * tf.math.log(draw["scale"])
                + tf.reduce_sum(tfd.Normal(draw["state"][:, :2], 0.1).log_prob(draw["seen"]), -1))
    self.assertAllClose(joint.log_prob(draw), expected, rtol=1e-10)

  def test_conditional_energies(self):
    x = events("float64", 3, 5)
    y = conditional().forward(x)
    self.assertAllClose(conditional().inverse(tf.identity(y)), x, rtol=1e-12, atol=1e-12)
    for i, strength in enumerate((0.5, 1.0, 2.0)):
      alone = HamiltonianFlow([HamiltonianStep(Separable(kinetic, lambda q, s=strength: s * potential(q)), 0.4)] * 2)
      self.assertAllClose(alone.forward(x[i]), y[i], rtol=1e-12)
    self.assertAllClose(np.linalg.det(jacobian(lambda x: conditional().forward(x), x[:, 0])), np.ones(3), atol=1e-10)

  def test_parameters_and_copies(self):
    self.assertEqual(list(HamiltonianStep.parameter_properties()), ["dt"])
    step = HamiltonianStep(Separable(kinetic, potential), 0.3)
    self.assertAllClose(step.copy(dt=0.1).forward(events("float64", 5)),
                        HamiltonianStep(step.hamiltonian, 0.1).forward(events("float64", 5)))
    self.assertLen(flow(0.1, 0.2).parameters["steps"], 2)
    self.assertEqual(Twist(0.5).experimental_batch_shape(), [])

  def test_refuses_batches_that_do_not_broadcast(self):
    with self.assertRaisesRegex(ValueError, r"dt of shape \(3,\) must broadcast .* got events of shape \(2, 4\)"):
      flow(tf.constant([0.1, 0.2, 0.3])).forward(tf.zeros([2, 4]))
    with self.assertRaisesRegex(ValueError, r"dt of shape \(3,\) must broadcast .* got events of shape \(2, 4\)"):
      flow(tf.constant([0.1, 0.2, 0.3])).inverse(tf.zeros([2, 4]))


if __name__ == "__main__":
  tf.test.main()
