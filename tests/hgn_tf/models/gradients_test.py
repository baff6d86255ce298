"""What maps floats to floats is differentiable, eager as in a graph; what is asked in float64 stays there."""

import contract_test as contract
import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import HGN, HNN, HNNConfig, make


def separable(**kwargs):
  keras.utils.set_random_seed(0)
  model = HNN(HNNConfig(model="separable", hidden=(8,), weight_decay=0.0), **kwargs)
  model.build((None, 4))
  return model


def functions():
  """name -> (function of the inputs, the inputs)."""
  hnn, nhf, flow, hgn, pixel = separable(), *(contract.make(n) for n in ("nhf", "real_nvp", "hgn", "pixel_hnn"))
  x, points, films = (tf.constant(contract.data(n)[0]) for n in ("hnn", "nhf", "hgn"))
  dt, state, z = tf.constant(0.1), PhaseSpace.split(x), tf.random.stateless_normal((2, 1, 1, 2), (0, 1))
  cells = PhaseSpace(*(tf.random.stateless_normal((2, 1, 1, 2), (0, i)) for i in (1, 2)))
  return {
      "hnn.time_derivative": (hnn.time_derivative, [x]),
      "hnn.energy": (hnn.energy, [x]),
      "hnn.energy_of_state": (lambda q, p: hnn.energy(PhaseSpace(q, p)), [*state]),
      "hnn.rollout": (lambda x, dt: hnn.rollout(x, 3, dt).merge(), [x, dt]),
      "hnn.rollout_leapfrog": (lambda q, p, dt: hnn.rollout(PhaseSpace(q, p), 3, dt, "leapfrog").merge(), [*state, dt]),
      "nhf.log_prob": (lambda x: nhf.log_prob(x, num_samples=4, seed=1), [points]),
      "nhf.elbo": (lambda x: nhf.elbo(x, num_samples=4, seed=1), [points]),
      "nhf.call": (nhf, [points]),
      "real_nvp.log_prob": (flow.log_prob, [points]),
      "hgn.encode": (lambda x: hgn.encode(x).mean(), [films]),
      "hgn.reconstruct": (lambda x, dt: hgn.reconstruct(x, 3, dt), [films, dt]),
      "hgn.generate": (lambda z, dt: hgn.generate(z, 3, dt), [z, dt]),
      "hgn.rollout": (lambda q, p, dt: hgn.rollout(PhaseSpace(q, p), 3, dt).merge(), [*cells, dt]),
      "hgn.energy": (lambda q, p: hgn.energy(PhaseSpace(q, p)), [*cells]),
      "pixel_hnn.encode": (pixel.encode, [films]),
      "pixel_hnn.reconstruct": (lambda x: pixel.reconstruct(x, 3, method="rk4"), [films]),
  }


class GradientTest(parameterized.TestCase, tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.functions = functions()

  @parameterized.parameters(
      "hnn.time_derivative", "hnn.energy", "hnn.energy_of_state", "hnn.rollout", "hnn.rollout_leapfrog", "nhf.log_prob",
      "nhf.elbo", "nhf.call", "real_nvp.log_prob", "hgn.encode", "hgn.reconstruct", "hgn.generate", "hgn.rollout",
      "hgn.energy", "pixel_hnn.encode", "pixel_hnn.reconstruct")
  def test_flows_to_every_input_alike(self, name):
    function, inputs = self.functions[name]

    def slopes(*inputs):
      with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = tf.reduce_sum(tf.sin(function(*inputs)))
      return tape.gradient(value, inputs)

    eager, graph = slopes(*inputs), tf.function(slopes, autograph=False)(*inputs)
    for a, b in zip(eager, graph, strict=True):
      self.assertGreater(float(tf.reduce_max(tf.abs(a))), 0.0)
      self.assertAllClose(a, b, rtol=1e-3, atol=1e-5)

  @parameterized.parameters("HamiltonianMonteCarlo", "NoUTurnSampler")
  def test_tfp_samples_from_log_prob(self, kernel):
    model = contract.make("real_nvp")
    make_kernel = getattr(tfp.mcmc, kernel)
    options = {"num_leapfrog_steps": 3} if kernel == "HamiltonianMonteCarlo" else {"max_tree_depth": 3}
    chain = tf.function(lambda: tfp.mcmc.sample_chain(
        10, tf.zeros((4, 2)), kernel=make_kernel(model.log_prob, 0.1, **options), trace_fn=None, seed=(0, 1)),
        autograph=False)()
    self.assertTrue(np.isfinite(chain).all())
    self.assertGreater(np.std(chain), 0.05)


class DoubleTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(("separable", "leapfrog"), ("hnn", "rk4"), ("hnn", "solve_ivp"))
  def test_rollouts_keep_it(self, kind, method):
    model = make(HNNConfig(model=kind, hidden=(8,)))
    model = type(model)(model.config, dtype="float64")
    x = np.random.default_rng(0).normal(size=(4, 4))
    states = model.rollout(x, 20, 0.05, method)
    self.assertEqual(states.q.dtype, tf.float64)
    self.assertAllEqual(states.merge()[:, 0], x)
    self.assertEqual(model.energy(x).dtype, tf.float64)
    if method == "leapfrog":
      back = model.rollout(states.merge()[:, -1], 20, -0.05, method)
      self.assertAllClose(back.merge()[:, -1], x, rtol=0, atol=1e-12)

  def test_time_derivative_is_exact(self):
    double, single = separable(dtype="float64"), separable()
    double.set_weights(single.get_weights())
    x = np.random.default_rng(0).normal(size=(4, 4))
    step, dx = 1e-5, double.time_derivative(x).numpy()
    slope = [(double.energy(x + step * e) - double.energy(x - step * e)) / (2 * step) for e in np.eye(4)]
    self.assertAllClose(np.stack([slope[2], slope[3], -slope[0], -slope[1]], 1), dx, rtol=0, atol=1e-9)

  def test_fit_sees_all_digits(self):
    model, x = separable(dtype="float64"), np.random.default_rng(0).normal(size=(8, 4))
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    dx = model.time_derivative(x).numpy() + 1e-10
    self.assertAllClose(model.fit(x, dx, batch_size=8, verbose=0).history["loss"][0], 1e-20, rtol=1e-3)

  def test_hgn_goes_back_to_the_start(self):
    model = HGN(contract.CONFIGS["hgn"], dtype="float64")
    z = tf.random.stateless_normal((3, 1, 1, 2), (0, 1), dtype=tf.float64)
    start = model.initial_state(z)
    end = PhaseSpace(*(y[:, -1] for y in model.rollout(start, 30)))
    back = model.rollout(end, 30, -model.config.dt)
    self.assertEqual(model.sample(2, seed=0).dtype, tf.float64)
    self.assertAllClose(back.q[:, -1], start.q, rtol=0, atol=1e-12)

  @parameterized.parameters("nhf", "real_nvp")
  def test_densities(self, name):
    model = contract.make(name, dtype="float64")
    model.adapt(contract.data(name)[0])
    self.assertEqual(model.sample(3, seed=0).dtype, tf.float64)
    self.assertEqual(model.log_prob(contract.data(name)[0]).dtype, tf.float64)


if __name__ == "__main__":
  tf.test.main()
