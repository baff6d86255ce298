"""What is said of the iterations of the implicit midpoint rule: tolerance, rows, failure, gradients."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

import hgn_tf
from hgn_tf.mechanics.hamiltonians import vector_field
from hgn_tf.mechanics.implicit_midpoint import ImplicitMidpoint
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.roots import jacobian

graph = functools.partial(tf.function, autograph=False)  # AutoGraph has nothing to do here, and takes its time
_MIDPOINT = hgn_tf.INTEGRATORS["implicit_midpoint"]
_SOLVERS = {solver: dataclasses.replace(_MIDPOINT, solver=solver) for solver in ("fixed_point", "newton")}


def energy(s):
  """H = (q^2 + 1) (p^2 + 1) / 2 of Tao 2016, summed over coordinates."""
  return tf.reduce_sum((s.q ** 2 + 1) * (s.p ** 2 + 1), axis=-1) / 2


def state(dtype="float64"):
  return PhaseSpace(tf.constant([[0.3, -0.4], [0.1, 0.5], [-0.6, 0.2]], dtype),
                    tf.constant([[0.2, 0.3], [-0.4, 0.1], [0.5, -0.2]], dtype))


def run(method, start, dt=0.1, num_steps=3, jit_compile=None, **options):
  return graph(lambda: hgn_tf.integrate(energy, start, dt, num_steps, method, **options), jit_compile=jit_compile)()


class SolutionTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.product(solver=list(_SOLVERS), dtype=["float32", "float64"])
  @pytest.mark.slow
  def test_eager_graph_and_xla_agree(self, solver, dtype):
    start, method = state(dtype), _SOLVERS[solver]
    found = run(method, start).merge()
    self.assertEqual(found.dtype, dtype)
    tolerance = 50 * np.finfo(dtype).eps
    self.assertAllClose(hgn_tf.integrate(energy, start, 0.1, 3, method).merge(), found, rtol=0, atol=tolerance)
    self.assertAllClose(run(method, start, jit_compile=True).merge(), found, rtol=0, atol=tolerance)

  @parameterized.parameters(*_SOLVERS)
  def test_solves_its_equation_to_the_tolerance(self, solver):
    """x' - x = dt f((x + x') / 2); a coarse tolerance is kept, and not overdone by many iterations."""
    start = state()
    for tolerance in (1e-2, 1e-6, None):
      method = dataclasses.replace(_SOLVERS[solver], tolerance=tolerance)
      end = hgn_tf.integrate(energy, start, 0.2, 1, method, final_only=True)
      q, p = (0.5 * (a + b) for a, b in zip(start, end, strict=True))
      wrong = np.concatenate([end.q - start.q - 0.2 * p * (q ** 2 + 1), end.p - start.p + 0.2 * q * (p ** 2 + 1)], -1)
      self.assertLess(np.abs(wrong).max(), 2 * 1.6 * (tolerance or 32 * np.finfo(float).eps))
      if tolerance and solver == "fixed_point":
        self.assertGreater(np.abs(wrong).max(), 1e-3 * tolerance)

  def test_newton_takes_steps_at_which_fixed_points_repel(self):
    end = hgn_tf.integrate(energy, state(), 3.0, 1, _SOLVERS["newton"], final_only=True)
    back = hgn_tf.integrate(energy, end, -3.0, 1, _SOLVERS["newton"], final_only=True)
    self.assertAllClose(back.merge(), state().merge(), atol=1e-12)
    with self.assertRaisesRegex(ValueError, "did not converge"):
      hgn_tf.integrate(energy, state(), 3.0, 1, _SOLVERS["fixed_point"])

  @parameterized.parameters(*_SOLVERS)
  def test_a_row_does_not_depend_on_the_rows_beside_it(self, solver):
    go = graph(lambda s, dt: hgn_tf.integrate(energy, s, dt, 3, _SOLVERS[solver]).merge())
    start, dt = state(), tf.constant([0.01, 0.1, 0.3], tf.float64)
    together = go(start, dt)
    for i in (0, 2):
      self.assertAllEqual(go(PhaseSpace(*(x[i:i + 1] for x in start)), dt[i:i + 1])[0], together[i])

  @parameterized.parameters(*_SOLVERS)
  def test_states_on_a_grid_and_no_rows(self, solver):
    grid = PhaseSpace(*(tf.reshape(x, (3, 1, 2, 1)) for x in state()))
    flat = lambda s: energy(PhaseSpace(*(tf.reshape(x, (-1, 2)) for x in s)))  # noqa: E731
    eagerly = lambda h, start: hgn_tf.integrate(h, start, 0.1, 3, _SOLVERS[solver]).q  # noqa: E731
    found = graph(lambda: hgn_tf.integrate(flat, grid, [0.1, 0.1, 0.1], 3, _SOLVERS[solver]))()
    self.assertAllClose(tf.reshape(found.q, (3, 4, 2)), eagerly(energy, state()), atol=1e-14)
    self.assertEqual(eagerly(energy, PhaseSpace(*(x[:0] for x in state()))).shape, (0, 4, 2))
    self.assertEqual(run(_SOLVERS[solver], PhaseSpace(*(x[:0] for x in state()))).q.shape, (0, 4, 2))


class FailureTest(parameterized.TestCase, tf.test.TestCase):
  _STIFF = [0.1, 9.0, 0.1]
  _MESSAGE = ("step 1 did not converge in 100 iterations of solver='fixed_point' in row 1, the relative residual is "
              ".*, the tolerance 7.1e-15; take a smaller dt, solver='newton', more max_iterations or a larger tole")

  def test_says_the_step_the_row_the_residual_and_what_to_change(self):
    with self.assertRaisesRegex(ValueError, self._MESSAGE):
      hgn_tf.integrate(energy, state(), self._STIFF, 2, _MIDPOINT)
    with self.assertRaisesRegex(tf.errors.InvalidArgumentError, r"step\] \[1\] \[did not .* row\] \[1\]"):
      run(_MIDPOINT, state(), self._STIFF)

  def test_says_the_later_step_too(self):
    """A pendulum that is carried to where its fixed points repel."""
    steep = lambda s: tf.reduce_sum(s.p ** 2 + s.q ** 6, axis=-1)  # noqa: E731
    start = PhaseSpace(tf.constant([[0.0]], tf.float64), tf.constant([[1.5]], tf.float64))
    with self.assertRaisesRegex(ValueError, r"step ([2-9]|\d\d) did not converge in 100"):
      hgn_tf.integrate(steep, start, 0.3, 40, _MIDPOINT)

  @parameterized.parameters(False, True)
  def test_without_strictness_and_under_xla_the_row_is_nan(self, jit_compile):
    method = _MIDPOINT if jit_compile else dataclasses.replace(_MIDPOINT, strict=False)
    found = run(method, state(), self._STIFF, jit_compile=jit_compile).merge().numpy()
    self.assertTrue(np.isnan(found[1, 1:]).all())
    others = run(_MIDPOINT, PhaseSpace(*(tf.gather(x, [0, 2]) for x in state()))).merge()
    self.assertAllClose(found[[0, 2]], others, rtol=0, atol=1e-14)

  def test_a_state_that_is_not_finite_is_nobodys_failure(self):
    start = PhaseSpace(state().q * [[1.0], [np.nan], [1.0]], state().p)
    found = run(_MIDPOINT, start).merge().numpy()
    self.assertEqual(np.isfinite(found).all((1, 2)).tolist(), [True, False, True])

  @parameterized.parameters(
      (dict(solver="bisection"), "solver must be one of fixed_point, newton, got 'bisection'"),
      (dict(tolerance=0.0), "tolerance must be positive, got 0.0"),
      (dict(max_iterations=0), "max_iterations must be at least 1, got 0"))
  def test_bad_arguments(self, changes, message):
    with self.assertRaisesRegex(ValueError, message):
      ImplicitMidpoint("midpoint", **changes)


class GradientTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(("fixed_point", "float64"), ("newton", "float32"))
  def test_the_same_eagerly_in_graphs_and_by_both_adjoints(self, solver, dtype):
    self.check_gradients(solver, dtype, graph)

  @parameterized.parameters(("fixed_point", "float64"), ("newton", "float32"))
  @pytest.mark.slow
  def test_the_same_under_xla(self, solver, dtype):
    self.check_gradients(solver, dtype, functools.partial(graph, jit_compile=True))

  def check_gradients(self, solver, dtype, made):
    weight = tf.Variable(tf.constant(1.2, dtype))

    def gradients(adjoint="backprop"):
      x, dt = state(dtype).merge(), tf.constant(0.2, dtype)
      with tf.GradientTape() as tape:
        tape.watch((x, dt))
        path = hgn_tf.integrate(lambda s: weight * energy(s), PhaseSpace.split(x), dt, 2, _SOLVERS[solver],
                                adjoint=adjoint)
        loss = tf.reduce_sum(path.q ** 2)
      return tape.gradient(loss, (x, dt, weight))

    wanted, tolerance, made = gradients(), 1e3 * np.finfo(dtype).eps, made(gradients)
    for found in (made(), made("reversible")):
      for a, b in zip(found, wanted, strict=True):
        self.assertAllClose(a, b, rtol=tolerance, atol=tolerance)

  def test_keeps_nothing_of_the_iterations(self):
    """A step of no loop but that of the iterations has no list of tensors, which back-propagation through it needs."""
    @graph
    def gradient(x):
      with tf.GradientTape() as tape:
        tape.watch(x)
        method, start = _MIDPOINT, PhaseSpace.split(x)
        y, _ = method.step(energy, start, method.start(energy, start), tf.constant(0.1, tf.float64))
        loss = tf.reduce_sum(y.q ** 2)
      return tape.gradient(loss, x)
    made = gradient.get_concrete_function(state().merge()).graph.as_graph_def()
    found = {node.op for nodes in (made.node, *(f.node_def for f in made.library.function)) for node in nodes}
    self.assertTrue(any("While" in op for op in found))
    self.assertFalse(any(op.startswith("TensorList") for op in found))

  @parameterized.parameters(*_SOLVERS)
  def test_is_that_of_the_implicit_function_theorem(self, solver):
    """dx'/dx = (1 - dt/2 J)^-1 (1 + dt/2 J), J the Jacobian of the field at the midpoint."""
    def step(x):
      return hgn_tf.integrate(energy, PhaseSpace.split(x), 0.3, 1, _SOLVERS[solver], final_only=True).merge()

    def field(x):
      return vector_field(energy, PhaseSpace.split(x)).merge()

    x = state().merge()
    half = 0.15 * jacobian(field, 0.5 * (x + step(x))).numpy()
    self.assertAllClose(jacobian(step, x), np.linalg.solve(np.eye(4) - half, np.eye(4) + half), atol=1e-12)

  def test_small_cotangents_are_solved_as_well_as_large_ones(self):
    found = []
    for scale in (1.0, 1e-20):
      x = state().merge()
      with tf.GradientTape() as tape:
        tape.watch(x)
        path = hgn_tf.integrate(energy, PhaseSpace.split(x), 0.3, 3, _MIDPOINT)
        loss = scale * tf.reduce_sum(path.q ** 2)
      found.append(tape.gradient(loss, x) / scale)
    self.assertAllClose(*found, rtol=1e-12, atol=1e-12)

  def test_second_derivatives_are_refused(self):
    x = state().merge()
    with self.assertRaisesRegex(Exception, "has first derivatives only"), tf.GradientTape() as outer:
      outer.watch(x)
      with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(run(_MIDPOINT, PhaseSpace.split(x), num_steps=1, final_only=True).q ** 2)
      outer.gradient(tape.gradient(loss, x), x)


if __name__ == "__main__":
  tf.test.main()
