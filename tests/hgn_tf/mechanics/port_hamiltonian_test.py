"""Friction and inputs against exact solutions, and what every step of the package promises."""

import functools

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf
from absl.testing import parameterized

import hgn_tf
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.port_hamiltonian import PortHamiltonian

graph = functools.partial(tf.function, autograph=False)  # AutoGraph has nothing to do here, and takes its time
MASS, STIFFNESS, FRICTION, GAIN = 0.7, 2.0, 0.4, 1.5
_SYMMETRIC = [name for name, method in hgn_tf.INTEGRATORS.items() if method.symmetric]


def oscillator(friction=FRICTION, stiffness=STIFFNESS):
  """dp/dt = -k q - c p / m + g u: linear, so that its flow is a matrix exponential."""
  return PortHamiltonian(lambda q: 0.5 * stiffness * tf.reduce_sum(q ** 2, axis=-1),
                         lambda q: friction * tf.ones_like(q), lambda q: GAIN * tf.ones_like(q)[..., None], mass=MASS)


def pendulums():
  """Two whose friction and inputs depend on the angles."""
  def control(q):
    return tf.stack([tf.stack([tf.cos(q[:, 0]), 0.2 * q[:, 1]], -1), tf.stack([q[:, 0], tf.ones_like(q[:, 1])], -1)], 1)
  return PortHamiltonian(lambda q: tf.reduce_sum(1 - tf.cos(q), -1) + 0.3 * q[:, 0] * q[:, 1],
                         lambda q: 0.2 + 0.3 * q ** 2, control, mass=[0.7, 1.2])


def state(d=2, dtype="float64"):
  q, p = tf.split(tf.random.stateless_normal((6, d), (0, 1), dtype=dtype), 2)
  return PhaseSpace(q, 0.5 * p)


def inputs(n, m=2, dtype="float64"):
  return tf.random.stateless_normal((3, n, m), (0, 2), dtype=dtype)


def integrate(*args, **kwargs):
  return graph(lambda: hgn_tf.integrate(*args, **kwargs))()


def exact(start, dt, controls):
  """The oscillator's path by the exponential of its matrix, with (q, p, u) for a state."""
  matrix = np.array([[0, 1 / MASS, 0], [-STIFFNESS, -FRICTION / MASS, GAIN], [0, 0, 0]])
  flow = scipy.linalg.expm(dt * matrix)
  q, p = (np.asarray(x)[:, 0] for x in start)
  for u in np.moveaxis(np.asarray(controls)[..., 0], 1, 0):
    q, p, _ = flow @ np.stack([q, p, u])
  return np.stack([q, p], axis=1)


@functools.cache
def after_one():
  """Where the pendulums are at t = 1."""
  return integrate(pendulums(), state(), 1e-3, 1000, "rk4", final_only=True).merge()


class OscillatorTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*_SYMMETRIC, "euler", "rk4")
  def test_order_against_the_exact_damped_and_driven_motion(self, name):
    @functools.partial(graph, input_signature=[tf.TensorSpec([], tf.float64), tf.TensorSpec([3, None, 1], tf.float64)])
    def run(dt, u):
      return hgn_tf.integrate(oscillator(), start, dt, tf.shape(u)[1], name, controls=u, final_only=True).merge()

    start = state(1)
    pieces, steps, errors = inputs(4, 1), np.array([16, 32, 64]), []
    for n in steps:
      controls = tf.repeat(pieces, n // 4, axis=1)
      errors.append(np.abs(run(tf.constant(2.0 / n, tf.float64), controls) - exact(start, 2.0 / n, controls)).max())
    slope = np.polyfit(np.log(1 / steps), np.log(errors), 1)[0]
    self.assertNear(slope, {"euler": 1, "rk4": 4}.get(name, 2), 0.3)

  def test_without_a_potential_the_momentum_is_exact_at_any_step(self):
    for friction, dt in ((0.4, 3.0), (1e3, 3.0), (0.0, 3.0), (0.01, -3.0)):
      free = oscillator(friction, 0.0)
      controls = inputs(5, 1)
      found = integrate(free, state(1), dt, 5, controls=controls, final_only=True).p[:, 0]
      p, rate = state(1).p.numpy()[:, 0], friction / MASS
      for u in controls.numpy()[..., 0].T:
        mean = -np.expm1(-rate * dt) / rate if rate else dt
        p = np.exp(-rate * dt) * p + GAIN * u * mean
      self.assertAllClose(found, p, rtol=1e-12, atol=1e-12)


class StepTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*_SYMMETRIC)
  def test_order_where_friction_depends_on_where_one_is(self, name):
    run = graph(lambda dt, n: hgn_tf.integrate(pendulums(), state(), dt, n, name, final_only=True).merge())
    steps = np.array([10, 20, 40])
    errors = [np.abs(run(tf.constant(1.0 / n, tf.float64), tf.constant(n)) - after_one()).max() for n in steps]
    self.assertNear(np.polyfit(np.log(1 / steps), np.log(errors), 1)[0], 2, 0.3)

  def test_energy_falls_without_inputs_and_stays_without_friction(self):
    system = pendulums()
    path = integrate(system, state(), 0.05, 400)
    energy = np.stack([system(PhaseSpace(path.q[:, i], path.p[:, i])) for i in (0, 100, 200, 400)])
    self.assertTrue((np.diff(energy, axis=0) < 0).all())
    free = PortHamiltonian(system.conservative.potential, mass=[0.7, 1.2])
    self.assertAllClose(integrate(free, state(), 0.1, 20).merge(),
                        integrate(system.conservative, state(), 0.1, 20).merge(), atol=1e-14)

  @parameterized.parameters(*_SYMMETRIC)
  def test_negative_dt_reverses(self, name):
    controls = inputs(20)
    run = graph(lambda s, dt, u: hgn_tf.integrate(pendulums(), s, dt, 20, name, controls=u, final_only=True))
    end = run(state(), tf.constant(0.1, tf.float64), controls)
    back = run(end, tf.constant(-0.1, tf.float64), controls[:, ::-1])
    self.assertAllClose(back.merge(), state().merge(), atol=1e-12)
    self.assertGreater(float(tf.norm(end.merge() - state().merge())), 0.1)

  @parameterized.parameters(("leapfrog", "float32"), ("implicit_midpoint", "float64"))
  def test_gradients_eagerly_and_in_graphs(self, name, dtype):
    self.check_gradients(name, dtype, graph)

  @parameterized.parameters(("leapfrog", "float32"), ("implicit_midpoint", "float64"))
  @pytest.mark.slow
  def test_gradients_under_xla(self, name, dtype):
    self.check_gradients(name, dtype, functools.partial(graph, jit_compile=True))

  def check_gradients(self, name, dtype, made):
    """Of the state, dt, the inputs, and what friction and inputs depend on; by finite differences in float64."""
    system = pendulums()

    def loss(x, dt, u, scale):
      scaled = PortHamiltonian(system.conservative.potential, lambda q: scale * system.damping(q),
                               lambda q: scale * system.control(q), system.mass)
      path = hgn_tf.integrate(scaled, PhaseSpace.split(x), dt, 3, name, controls=u)
      return tf.reduce_sum(path.q ** 2)

    def gradients(*point):
      with tf.GradientTape() as tape:
        tape.watch(point)
        value = loss(*point)
      return tape.gradient(value, point)

    point = (state(2, dtype).merge(), tf.constant(0.2, dtype), inputs(3, 2, dtype), tf.constant(1.1, dtype))
    found = gradients(*point)
    tolerance = 1e3 * np.finfo(dtype).eps
    for a, b in zip(made(gradients)(*point), found, strict=True):
      self.assertAllClose(a, b, rtol=tolerance, atol=tolerance)
    if dtype == "float64":
      along = [tf.random.stateless_normal(x.shape, (0, 5 + i), dtype=x.dtype) for i, x in enumerate(point)]
      there, back = (loss(*(x + h * y for x, y in zip(point, along, strict=True))) for h in (1e-5, -1e-5))
      self.assertAllClose(sum(tf.reduce_sum(a * b) for a, b in zip(found, along, strict=True)), (there - back) / 2e-5,
                          rtol=1e-6)

  def test_reversible_adjoint(self):
    scale = tf.Variable(tf.constant(1.1, tf.float64))

    @graph
    def gradients(adjoint):
      x = state().merge()
      with tf.GradientTape() as tape:
        tape.watch(x)
        system = PortHamiltonian(lambda q: tf.reduce_sum(1 - tf.cos(q), -1), lambda q: scale * (0.1 + q ** 2))
        path = hgn_tf.integrate(system, PhaseSpace.split(x), 0.1, 6, adjoint=adjoint)
        loss = tf.reduce_sum(tf.sin(path.q) + path.p ** 2)
      return tape.gradient(loss, (x, scale))
    for a, b in zip(gradients("reversible"), gradients("backprop"), strict=True):
      self.assertGreater(float(tf.norm(b)), 1e-3)
      self.assertAllClose(a, b, rtol=1e-10, atol=1e-12)

  @parameterized.parameters(("reversible", False), ("reversible", True), ("recompute", False))
  @pytest.mark.slow
  def test_adjoints_with_controls(self, adjoint, final_only):
    scale = tf.Variable(tf.constant(1.1, tf.float64))

    def gradients(adjoint):
      x, u = state().merge(), inputs(6)
      with tf.GradientTape() as tape:
        tape.watch((x, u))
        system = PortHamiltonian(lambda q: tf.reduce_sum(1 - tf.cos(q), -1), lambda q: 0.1 + q ** 2,
                                 lambda q: scale * tf.linalg.diag(1.0 + q ** 2))
        path = hgn_tf.integrate(system, PhaseSpace.split(x), 0.1, 6, adjoint=adjoint, controls=u,
                                final_only=final_only)
        loss = tf.reduce_sum(tf.sin(path.q) + path.p ** 2)
      return tape.gradient(loss, (x, u, scale))
    wanted = gradients("backprop")
    for found in (gradients(adjoint), tf.function(gradients)(adjoint)):
      for a, b in zip(found, wanted, strict=True):
        self.assertGreater(float(tf.norm(b)), 1e-3)
        self.assertAllClose(a, b, rtol=1e-10, atol=1e-12)

  @parameterized.parameters(
      (dict(controls=np.zeros((3, 4, 2))), r"controls must have shape .* = \[3, 5, 2\], got \(3, 4, 2\)"),
      (dict(controls=np.zeros((3, 5))), r"controls must have shape .* got \(3, 5\)"),
      (dict(controls=np.zeros((3, 5, 1))), r"controls must have shape .* got \(3, 5, 1\)"),
      (dict(controls=np.zeros((2, 5, 2))), r"controls must have shape .* got \(2, 5, 2\)"),
      (dict(adjoint="recompute", final_only=True), "adjoint='recompute' .* needs final_only=False, got True"),
      (dict(hamiltonian=lambda s: s.q[:, 0], method="rk4", controls=np.zeros((3, 5, 2))),
       "controls need a PortHamiltonian with control=G, got function"),
      (dict(hamiltonian=PortHamiltonian(lambda q: q[:, 0]), controls=np.zeros((3, 5, 2))),
       "controls need a PortHamiltonian with control=G, got PortHamiltonian without"),
      (dict(method="symplectic_euler"), "method='symplectic_euler' does not step a PortHamiltonian: a symmetric"),
      (dict(method="tao"), "method='tao' does not step a PortHamiltonian"))
  def test_bad_arguments(self, changes, message):
    arguments = {**dict(hamiltonian=pendulums(), state=state(), dt=0.1, num_steps=5), **changes}
    with self.assertRaisesRegex(ValueError, message):
      hgn_tf.integrate(**arguments)


if __name__ == "__main__":
  tf.test.main()
