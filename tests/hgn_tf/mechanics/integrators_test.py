import dataclasses
import functools
import itertools
import types

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

import hgn_tf
from hgn_tf.mechanics.hamiltonians import Separable, gradient, vector_field
from hgn_tf.mechanics.integrators import INTEGRATORS, get_integrator, names
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.roots import jacobian

graph = functools.partial(tf.function, autograph=False)  # AutoGraph has nothing to do here, and takes its time
eager_integrate = hgn_tf.integrate


def integrate(*args, **kwargs):
  """`hgn_tf.integrate` as a graph: a thousand times faster for long rollouts."""
  return graph(lambda: eager_integrate(*args, **kwargs))()


_SYMPLECTIC, _SYMMETRIC, _SEPARATE = (names(key) for key in ("symplectic", "symmetric", "needs_separable"))
_NEWTON = dataclasses.replace(INTEGRATORS["implicit_midpoint"], name="newton", solver="newton")
METHODS = {**INTEGRATORS, "newton": _NEWTON}
MASS = 0.6
OMEGA = np.kron([[0, 1], [-1, 0]], np.eye(2))


def pendulum():
  """Two coupled pendulums of mass 0.6: separable, not quadratic."""
  return Separable(lambda p: tf.reduce_sum(p ** 2, -1) / (2 * MASS),
                   lambda q: tf.reduce_sum(1 - tf.cos(q), -1) + 0.3 * q[:, 0] * q[:, 1])


def double_pendulum(s):
  """Two pendulums of length and mass 1, one below the other: a mass matrix that depends on the angles."""
  (a, b), (u, v) = (tf.unstack(x, axis=1) for x in s)
  inertia = 2 * (1 + tf.sin(a - b) ** 2)
  return (u ** 2 + 2 * v ** 2 - 2 * u * v * tf.cos(a - b)) / inertia - 2 * tf.cos(a) - tf.cos(b)


def cases(methods):
  """(energy, method) of every method with every energy that it takes."""
  return [(energy, name) for energy, name in itertools.product((pendulum, double_pendulum), methods)
          if energy is pendulum or name not in _SEPARATE]


def each(methods):
  """(energy, method) of every method with the hardest energy that it takes."""
  return [(pendulum if name in _SEPARATE else double_pendulum, name) for name in methods]


def hamiltonian(energy):
  return pendulum() if energy is pendulum else double_pendulum


def state(n=3, dtype=tf.float64, seed=0):
  q, p = tf.split(tf.random.stateless_normal((2 * n, 2), (seed, 1), dtype=dtype), 2)
  return PhaseSpace(q, 0.5 * p)


def joint(hamiltonian):
  return lambda s: hamiltonian(s)


@functools.cache
def exact(energy, time):
  """The end of `state()` after `time`."""
  method = "yoshida6" if energy is pendulum else "rk4"
  return integrate(hamiltonian(energy), state(), time / 2000, 2000, method, final_only=True).merge()


class OrderTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*cases(METHODS))
  def test_measured_order(self, energy, name):
    h, method, time, end = hamiltonian(energy), METHODS[name], 1.0, exact(energy, 1.0)
    run = graph(lambda dt, n: eager_integrate(h, state(), dt, n, method, final_only=True).merge())
    steps = np.array([15, 30, 60])
    errors = [float(tf.norm(run(tf.constant(time / n, tf.float64), tf.constant(n)) - end)) for n in steps]
    slope = np.polyfit(np.log(time / steps), np.log(errors), 1)[0]
    self.assertNear(slope, method.order, 0.3)

  @parameterized.parameters(*(name for name, method in INTEGRATORS.items() if hasattr(method, "substeps")))
  def test_coefficients_of_a_kind_sum_to_one(self, name):
    method = INTEGRATORS[name]
    for kind in {kind for kind, _ in method.substeps}:
      self.assertNear(sum(c for k, c in method.substeps if k == kind), 1.0, 1e-15)

  @parameterized.parameters("euler", "rk4")
  def test_weights_sum_to_one(self, name):
    self.assertNear(sum(INTEGRATORS[name].weights), 1.0, 1e-15)


class GeometryTest(parameterized.TestCase, tf.test.TestCase):

  def _defect(self, energy, name):
    """How far the Jacobian of two steps is from symplectic."""
    h, method = hamiltonian(energy), METHODS[name]
    steps = lambda x: eager_integrate(h, PhaseSpace.split(x), 0.2, 2, method, final_only=True).merge()  # noqa: E731
    found = jacobian(steps, state(1).merge())[0].numpy()
    return np.abs(found.T @ OMEGA @ found - OMEGA).max()

  @parameterized.parameters(*each([*_SYMPLECTIC, "newton"]))
  def test_symplectic(self, energy, name):
    self.assertLess(self._defect(energy, name), 1e-12)

  @parameterized.parameters(*each(["euler", "rk4", "tao"]))
  def test_not_symplectic(self, energy, name):
    self.assertGreater(self._defect(energy, name), 1e-6)

  @parameterized.parameters(*cases([*_SYMMETRIC, "newton"]))
  def test_negative_dt_reverses(self, energy, name):
    start, h, method = state(), hamiltonian(energy), METHODS[name]
    run = graph(lambda s, dt: eager_integrate(h, s, dt, 50, method, final_only=True))
    end = run(start, tf.constant(0.1, tf.float64))
    back = run(end, tf.constant(-0.1, tf.float64))
    self.assertAllClose(back.merge(), start.merge(), atol=1e-12 if energy is pendulum else 1e-11)
    self.assertGreater(float(tf.norm(end.merge() - start.merge())), 0.1)

  @parameterized.parameters(*each([*_SYMPLECTIC, "newton"]))
  def test_adjoint_reverses(self, energy, name):
    method, start, h = METHODS[name], state(), hamiltonian(energy)
    end = integrate(h, start, 0.2, 20, method, final_only=True)
    back = integrate(h, end, -0.2, 20, method.adjoint, final_only=True)
    self.assertAllClose(back.merge(), start.merge(), atol=1e-12 if energy is pendulum else 1e-11)

  def test_properties(self):
    self.assertEqual(_SYMPLECTIC, ["symplectic_euler", "leapfrog", "ruth4", "mclachlan4", "yoshida6",
                                   "implicit_midpoint"])
    self.assertEqual(_SYMMETRIC, ["leapfrog", "ruth4", "mclachlan4", "yoshida6", "implicit_midpoint"])
    self.assertEqual(names("reversible"), [*_SYMMETRIC, "tao"])
    self.assertEqual(names("needs_separable", False), ["euler", "rk4", "implicit_midpoint", "tao"])

  def test_leapfrog_keeps_energy_where_euler_does_not(self):
    drift = {}
    for name in ("euler", "leapfrog"):
      path = integrate(pendulum(), state(), 0.1, 300, name)
      flat = PhaseSpace(*(tf.reshape(x, (-1, 2)) for x in path))
      energy = tf.reshape(pendulum()(flat), (3, 301)).numpy()
      drift[name] = np.abs(energy - energy[:, :1]).max()
    self.assertLess(drift["leapfrog"], 0.02)
    self.assertGreater(drift["euler"], 1.0)


class IntegrateTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*INTEGRATORS)
  def test_shape_and_start(self, name):
    path = hgn_tf.integrate(pendulum(), state(), 0.1, 7, name)
    self.assertEqual(path.q.shape, (3, 8, 2))
    self.assertAllEqual(path.q[:, 0], state().q)
    self.assertAllEqual(path.p[:, 0], state().p)

  @parameterized.parameters(*((name, False) for name in INTEGRATORS),
                            *((name, True) for name in ("leapfrog", "rk4", "implicit_midpoint", "tao")))
  def test_final_only_is_the_last(self, name, traced):
    """In graphs, one method of each kind."""
    run = integrate if traced else eager_integrate
    path = run(pendulum(), state(), 0.1, 7, name)
    last = run(pendulum(), state(), 0.1, 7, name, final_only=True)
    self.assertAllClose(last.merge(), PhaseSpace(path.q[:, -1], path.p[:, -1]).merge(), atol=1e-14)

  def test_no_steps(self):
    self.assertAllEqual(integrate(pendulum(), state(), 0.1, 0).q[:, 0], state().q)

  @parameterized.parameters(*INTEGRATORS)
  def test_dt_per_row(self, name):
    start, dts = state(), [0.1, -0.2, 0.0]
    rows = eager_integrate(pendulum(), start, tf.constant(dts, tf.float64), 5, name)
    for i, dt in enumerate(dts):
      alone = eager_integrate(pendulum(), PhaseSpace(*(x[i:i + 1] for x in start)), dt, 5, name)
      self.assertAllClose(rows.q[i], alone.q[0], atol=1e-14)

  def test_num_steps_as_a_tensor_traces_once(self):
    traces = []

    @graph
    def run(start, n):
      traces.append(n)
      return eager_integrate(pendulum(), start, 0.1, n)

    for n in (1, 5, 30):
      self.assertEqual(run(state(), tf.constant(n)).q.shape[1], n + 1)
    self.assertLen(traces, 1)

  def test_static_length(self):
    traced = graph(lambda s: eager_integrate(pendulum(), s, 0.1, 4)).get_concrete_function(state())
    self.assertEqual(traced.structured_outputs.q.shape, (3, 5, 2))

  @parameterized.parameters(*names("needs_separable", False))
  def test_any_hamiltonian(self, name):
    a = eager_integrate(joint(pendulum()), state(), 0.1, 5, name)
    b = eager_integrate(pendulum(), state(), 0.1, 5, name)
    self.assertAllClose(a.q, b.q)

  @parameterized.parameters(*_SEPARATE)
  def test_needs_separability(self, name):
    message = f"method='{name}' needs a separable hamiltonian.* got function; euler, rk4, implicit_midpoint, tao take"
    with self.assertRaisesRegex(ValueError, message):
      integrate(joint(pendulum()), state(), 0.1, 5, name)

  @parameterized.parameters(*names("needs_separable", False))
  def test_needs_one_energy_of_the_state(self, name):
    apart = types.SimpleNamespace(kinetic=pendulum().kinetic, potential=pendulum().potential)
    self.assertEqual(eager_integrate(apart, state(), 0.1, 1).q.shape, (3, 2, 2))
    with self.assertRaisesRegex(ValueError, f"method='{name}' needs a hamiltonian that maps a PhaseSpace .* cannot be "
                                            "called; symplectic_euler, leapfrog, .* apart"):
      integrate(apart, state(), 0.1, 5, name)

  @parameterized.parameters(
      (dict(num_steps=-1), "num_steps must be an integer of at least 0, got -1"),
      (dict(method="verlet"), "Unknown integrator method='verlet'; known: euler, implicit_midpoint, leapfrog, mclachl"),
      (dict(dt=np.zeros((3, 2))), "dt must be a scalar or of shape"),
      (dict(dt=np.zeros(4)), "dt must be a scalar or of shape"),
      (dict(state=PhaseSpace(np.zeros((3, 2)), np.zeros((3, 1)))), "q and p must have one shape"))
  def test_bad_arguments(self, changes, message):
    arguments = {**dict(hamiltonian=pendulum(), state=state(), dt=0.1, num_steps=5), **changes}
    with self.assertRaisesRegex(ValueError, message):
      integrate(**arguments)

  @parameterized.parameters((1,), (6,))
  def test_evaluations_as_they_run(self, steps):
    counts = {"kinetic": 0, "potential": 0}

    def counting(name, energy):
      @tf.custom_gradient
      def count(x):
        def tick(y):
          counts[name] += 1
          return y
        return tf.identity(x), lambda dy: tf.ensure_shape(tf.numpy_function(tick, [dy], dy.dtype), dy.shape)
      return lambda x: energy(count(x))

    energies = pendulum()
    counted = Separable(counting("kinetic", energies.kinetic), counting("potential", energies.potential))
    integrate(counted, state(), 0.1, steps)
    self.assertEqual(counts, {"kinetic": steps, "potential": steps + 1})

  def test_integrator_objects_pass_through(self):
    self.assertIs(get_integrator(INTEGRATORS["ruth4"]), INTEGRATORS["ruth4"])


class GradientTest(parameterized.TestCase, tf.test.TestCase):

  def test_vector_field_of_a_quadratic_energy(self):
    energy = lambda s: tf.reduce_sum(3.0 * s.q ** 2 + s.p ** 2 / 4.0, -1)  # noqa: E731
    field = vector_field(energy, state())
    self.assertAllClose(field.q, state().p / 2)
    self.assertAllClose(field.p, -6 * state().q)

  def test_gradient_of_what_does_not_depend(self):
    self.assertAllEqual(gradient(lambda x: tf.zeros(len(x), x.dtype), state().q), tf.zeros((3, 2)))

  @parameterized.parameters(*each(METHODS))
  def test_derivative_along_a_direction(self, energy, name):
    """Of the state, of dt and of a parameter of the energy."""
    h, method = hamiltonian(energy), METHODS[name]

    def loss(x, dt, scale):
      scaled = Separable(lambda p: scale * h.kinetic(p), lambda q: scale * h.potential(q)) if energy is pendulum else (
          lambda s: scale * h(s))
      return tf.reduce_sum(eager_integrate(scaled, PhaseSpace.split(x), dt, 3, method).q ** 2)
    x, dt, scale, step = state().merge(), *tf.constant([0.2, 1.1], tf.float64), 1e-5
    with tf.GradientTape() as tape:
      tape.watch((x, dt, scale))
      total = loss(x, dt, scale)
    by_x, by_dt, by_scale = tape.gradient(total, (x, dt, scale))
    direction = tf.random.stateless_normal(x.shape, (0, 9), dtype=x.dtype)
    numeric = (loss(x + step * direction, dt + step, scale - 2 * step)
               - loss(x - step * direction, dt - step, scale + 2 * step)) / (2 * step)
    self.assertAllClose(tf.reduce_sum(by_x * direction) + by_dt - 2 * by_scale, numeric, rtol=1e-6)

  @parameterized.parameters("euler", "rk4", "symplectic_euler")
  def test_reversible_adjoint_is_for_methods_that_run_backward(self, name):
    with self.assertRaisesRegex(ValueError, "adjoint='reversible' needs a method that runs backward, one of leapf"):
      integrate(pendulum(), state(), 0.1, 3, name, adjoint="reversible")

  def test_unknown_adjoint(self):
    with self.assertRaisesRegex(ValueError, "Unknown adjoint='forward'; known: backprop, reversible"):
      integrate(pendulum(), state(), 0.1, 3, adjoint="forward")

  def test_xla_gradient_with_static_steps(self):
    def run(x):
      with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(eager_integrate(pendulum(), PhaseSpace.split(x), 0.1, 5).q ** 2)
      return tape.gradient(loss, x)
    x = state().merge()
    wanted = graph(run)(x)
    self.assertAllClose(graph(run, jit_compile=True)(x), wanted)
    self.assertAllClose(run(x), wanted)

  @parameterized.parameters(*INTEGRATORS)
  def test_an_energy_of_a_column_is_refused(self, name):
    column = lambda x: tf.reduce_sum(x ** 2, axis=-1, keepdims=True)  # noqa: E731
    with self.assertRaisesRegex(ValueError, r"energy must have shape \[batch\].* got shape \(5, 1\)"):
      integrate(Separable(column, column), PhaseSpace(tf.ones((5, 2)), tf.ones((5, 2))), 0.1, 3, name)
