"""Tao's method where its promises hold: in the phase space of the state and its copy."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

import hgn_tf
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.roots import jacobian

graph = functools.partial(tf.function, autograph=False)  # AutoGraph has nothing to do here, and takes its time
_TAO = hgn_tf.INTEGRATORS["tao"]


def energy(s):
  return tf.reduce_sum((s.q ** 2 + 1) * (s.p ** 2 + 1), axis=-1) / 2


def steps(x, dt, n):
  """n steps of (q, p, x, y) [batch, 4d], the copy carried on."""
  (q, p), (a, b) = (PhaseSpace.split(y) for y in tf.split(x, 2, axis=1))
  state, copy = PhaseSpace(q, p), PhaseSpace(a, b)
  field = _TAO.start(energy, PhaseSpace(q, b))[1]  # that of H(q, y)
  carry = copy, field
  for _ in range(n):
    state, carry = _TAO.step(energy, state, carry, tf.constant(dt, x.dtype))
  return tf.concat([state.merge(), carry[0].merge()], axis=1)


def doubled():
  rng = np.random.default_rng(0)
  x = rng.normal(scale=0.4, size=(3, 4))
  return tf.constant(np.concatenate([x, x + rng.normal(scale=0.01, size=(3, 4))], axis=1))


class ExtendedTest(parameterized.TestCase, tf.test.TestCase):

  def test_symplectic_in_the_doubled_space(self):
    found = jacobian(lambda x: steps(x, 0.2, 3), doubled()).numpy()
    omega = np.kron(np.eye(2), np.kron([[0, 1], [-1, 0]], np.eye(2)))
    self.assertAllClose(np.swapaxes(found, 1, 2) @ omega @ found, np.tile(omega, (3, 1, 1)), atol=1e-12)

  def test_negative_dt_reverses_the_state_and_its_copy(self):
    there = steps(doubled(), 0.1, 20)
    self.assertGreater(float(tf.norm(there - doubled())), 0.1)
    self.assertAllClose(steps(there, -0.1, 20), doubled(), atol=1e-12)

  def test_a_new_copy_does_not_reverse(self):
    start = PhaseSpace.split(doubled()[:, :4])
    end = hgn_tf.integrate(energy, start, 0.1, 20, "tao", final_only=True)
    back = hgn_tf.integrate(energy, end, -0.1, 20, "tao", final_only=True)
    error = float(tf.reduce_max(tf.abs(back.merge() - start.merge())))
    self.assertBetween(error, 1e-6, 0.1)

  def test_the_spring_keeps_the_copies_together(self):
    """On a double well, whose copies part without."""
    well = lambda s: tf.reduce_sum((1 + 0.3 * s.q ** 2) * s.p ** 2 / 2 - s.q ** 2 + s.q ** 4, axis=-1)  # noqa: E731
    start = PhaseSpace(tf.constant([[0.05, 0.1]], tf.float64), tf.constant([[0.1, 0.05]], tf.float64))
    drift = {}
    for omega in (0.0, _TAO.omega):
      method = dataclasses.replace(_TAO, omega=omega)
      path = graph(lambda m=method: hgn_tf.integrate(well, start, 0.05, 4000, m))()
      h = well(PhaseSpace(*(x[0] for x in path))).numpy()
      drift[omega] = np.abs(h - h[0]).max()
    self.assertGreater(drift[0.0], 10 * drift[_TAO.omega])

  def test_fields_are_evaluated_three_times_a_step(self):
    calls = []

    @tf.custom_gradient
    def counted(x):
      def gradient(v):
        calls.append(1)
        return v
      return tf.identity(x), gradient

    start = PhaseSpace.split(doubled()[:, :4])
    hgn_tf.integrate(lambda s: counted(energy(s)), start, 0.1, 5, "tao")
    self.assertLen(calls, 1 + 3 * 5)

  def test_reversible_adjoint(self):
    weight = tf.Variable(tf.constant(1.2, tf.float64))

    @graph
    def gradients(adjoint):
      x, dt = doubled()[:, :4], tf.constant([0.1, 0.2, -0.1], tf.float64)
      with tf.GradientTape() as tape:
        tape.watch((x, dt))
        path = hgn_tf.integrate(lambda s: weight * energy(s), PhaseSpace.split(x), dt, 6, "tao", adjoint=adjoint)
        loss = tf.reduce_sum(tf.sin(path.q) + path.p ** 2)
      return tape.gradient(loss, (x, dt, weight))
    for a, b in zip(gradients("reversible"), gradients("backprop"), strict=True):
      self.assertAllClose(a, b, rtol=1e-10, atol=1e-12)

  def test_bad_omega(self):
    with self.assertRaisesRegex(ValueError, "omega must be at least 0, got -1"):
      dataclasses.replace(_TAO, omega=-1.0)


if __name__ == "__main__":
  tf.test.main()
