"""The adjoints that store states alone against back-propagation, for everything that an energy can depend on."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

import hgn_tf
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.networks import ConvEnergy

_TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
_CONVS = ((4, 3, 1), (4, 2, 2), (1, 2, 1))


def normal(shape, seed, dtype="float64"):
  return tf.random.stateless_normal(shape, (seed, 11), dtype=dtype)


def grid_state(dtype):
  return PhaseSpace(normal((3, 4, 4, 2), 0, dtype), normal((3, 4, 4, 2), 1, dtype))


def grid_energies(dtype):
  energies = [ConvEnergy(_CONVS, dtype=dtype) for _ in range(2)]
  for i, energy in enumerate(energies):
    energy.build((None, 4, 4, 2))
    for j, weight in enumerate(energy.weights):
      weight.assign(0.4 * normal(weight.shape, 10 * i + j, dtype))
  return energies


def parameters(energy):
  """What the force depends on: all but the last bias."""
  return [weight.value for weight in energy.trainable_weights[:-1]]


def loss_of(solution):
  return tf.reduce_sum(tf.sin(1.3 * solution.q)) + tf.reduce_sum(solution.p ** 2) / 5


graph = functools.partial(tf.function, autograph=False)  # AutoGraph has nothing to do here, and takes its time


class AdjointTest(parameterized.TestCase, tf.test.TestCase):

  def assertGradientsEqual(self, gradients, tolerance):
    """`gradients`: adjoint -> list of tensors, none of which is zero."""
    reversible, backprop = gradients("reversible"), gradients("backprop")
    for ours, theirs in zip(reversible, backprop, strict=True):
      norm = np.linalg.norm(theirs)
      self.assertGreater(norm, 1e-6)
      self.assertLess(np.linalg.norm(np.subtract(ours, theirs)), tolerance * norm)

  @parameterized.parameters(("float32", False, "leapfrog"), ("float64", True, "leapfrog"), ("float64", False, "ruth4"))
  def test_variables_behind_dense_energies(self, dtype, final_only, method):
    kinetic, potential = grid_energies(dtype)
    variables = [*parameters(kinetic), *parameters(potential)]
    dt = tf.constant([0.1, 0.2, -0.15], dtype)

    @graph
    def gradients(adjoint):
      state = grid_state(dtype)
      with tf.GradientTape() as tape:
        tape.watch((state, dt))
        loss = loss_of(hgn_tf.integrate(Separable(kinetic.dense(), potential.dense()), state, dt, 6, method,
                                        final_only=final_only, adjoint=adjoint))
      return tape.gradient(loss, [*state, dt, *variables])

    self.assertGradientsEqual(gradients, _TOLERANCE[dtype])

  @parameterized.product(eager=(False, True), final_only=(False, True))
  def test_tensors_in_closures(self, eager, final_only):
    """Tensors of up to 128 elements are captured by value, larger ones by reference."""
    small, large = normal((2,), 3), 0.1 * normal((2, 100), 4)

    def gradients(adjoint):
      state = PhaseSpace(normal((3, 2), 0), normal((3, 2), 1))
      with tf.GradientTape() as tape:
        tape.watch((small, large))
        scale = tf.exp(small)
        energies = Separable(lambda p: tf.reduce_sum(scale * p ** 2, -1),
                             lambda q: tf.reduce_sum(tf.nn.softplus(q @ large), -1))
        solution = hgn_tf.integrate(energies, state, 0.1, 6, final_only=final_only, adjoint=adjoint)
        loss = loss_of(solution)
      return tape.gradient(loss, [small, large])

    self.assertGradientsEqual(gradients if eager else graph(gradients), 1e-9)

  def test_gradient_taken_outside_of_the_function(self):
    kinetic, potential = grid_energies("float64")

    @graph
    def loss(adjoint):
      energies = Separable(kinetic.dense(), potential.dense())
      return loss_of(hgn_tf.integrate(energies, grid_state("float64"), 0.1, 6, adjoint=adjoint))

    def gradients(adjoint):
      with tf.GradientTape() as tape:
        value = loss(adjoint)
      return tape.gradient(value, parameters(potential))

    self.assertGradientsEqual(gradients, 1e-9)

  @parameterized.parameters(False, True)
  def test_num_steps_as_a_tensor(self, final_only):
    kinetic, potential = grid_energies("float64")

    @graph
    def gradients(adjoint, num_steps):
      state = grid_state("float64")
      with tf.GradientTape() as tape:
        tape.watch(state)
        solution = hgn_tf.integrate(
            Separable(kinetic, potential), state, 0.1, num_steps, final_only=final_only, adjoint=adjoint)
        loss = loss_of(solution)
      return tape.gradient(loss, list(state))

    for steps in (0, 1, 5):
      self.assertGradientsEqual(lambda adjoint, n=steps: gradients(adjoint, tf.constant(n)), 1e-9)

  def test_under_xla(self):
    kinetic, potential = grid_energies("float32")

    def gradients(adjoint):
      """What is XLA's beside what TensorFlow back-propagates."""
      @functools.partial(graph, jit_compile=adjoint == "reversible")
      def run(q, p):
        with tf.GradientTape() as tape:
          energies = Separable(kinetic.dense(), potential.dense())
          loss = loss_of(hgn_tf.integrate(energies, PhaseSpace(q, p), 0.1, 5, adjoint=adjoint))
        return tape.gradient(loss, parameters(kinetic))
      return run(*grid_state("float32"))

    self.assertGradientsEqual(gradients, 1e-4)

  @parameterized.parameters("euler", "rk4", "symplectic_euler", "leapfrog")
  def test_any_method_recomputes_its_steps(self, method):
    self.check_recomputed(method, tf.function)

  @parameterized.parameters("euler", "rk4", "symplectic_euler", "leapfrog")
  @pytest.mark.slow
  def test_any_method_recomputes_its_steps_under_xla(self, method):
    self.check_recomputed(method, functools.partial(tf.function, jit_compile=True))

  def check_recomputed(self, method, made):
    kinetic, potential = grid_energies("float64")

    def path(q, p):
      return hgn_tf.integrate(Separable(kinetic, potential), PhaseSpace(q, p), 0.1, 5, method, adjoint=adjoint)

    def gradients(path):
      state = grid_state("float64")
      with tf.GradientTape() as tape:
        tape.watch(state)
        loss = loss_of(path(*state))
      return tape.gradient(loss, [*state, *parameters(potential)])

    adjoint = "backprop"
    wanted = gradients(tf.function(path))
    adjoint = "recompute"  # whose lists of states do not cross the border of what XLA compiles
    for a, b in zip(gradients(made(path)), wanted, strict=True):
      self.assertGreater(np.linalg.norm(b), 1e-6)
      self.assertAllClose(a, b, rtol=1e-9, atol=1e-11)

  def test_final_only_keeps_no_history(self):
    def op_types(adjoint):
      @graph
      def run(q, p):
        with tf.GradientTape() as tape:
          tape.watch((q, p))
          energy = lambda x: tf.reduce_sum(1 - tf.cos(x), -1)  # noqa: E731
          loss = loss_of(hgn_tf.integrate(Separable(energy, energy), PhaseSpace(q, p), 0.1, 100, final_only=True,
                                          adjoint=adjoint))
        return tape.gradient(loss, [q, p])
      found = run.get_concrete_function(*[tf.TensorSpec((3, 2))] * 2).graph.as_graph_def()
      return {node.op for nodes in (found.node, *(f.node_def for f in found.library.function)) for node in nodes}

    self.assertTrue(any(op.startswith("TensorList") for op in op_types("backprop")))
    self.assertFalse(any(op.startswith("TensorList") for op in op_types("reversible")))

  @parameterized.parameters(False, True)
  def test_second_derivatives_are_refused(self, eager):
    def second():
      q = tf.constant([[0.5, 0.2]])
      energy = lambda x: tf.reduce_sum(1 - tf.cos(x), -1)  # noqa: E731
      with tf.GradientTape() as outer:
        outer.watch(q)
        with tf.GradientTape() as tape:
          tape.watch(q)
          loss = loss_of(hgn_tf.integrate(Separable(energy, energy), PhaseSpace(q, q), 0.1, 3, adjoint="reversible"))
        first = tape.gradient(loss, q)
      return outer.gradient(first, q)

    with self.assertRaisesRegex(Exception, "has first derivatives only"):
      (second if eager else graph(second))()

  def test_forces_evaluated(self):
    """Backward: the forces of a step once more; and where its state has to be rebuilt, those of the way back."""
    def evaluations(final_only, steps):
      counts = {"kinetic": 0, "potential": 0}

      def counted(name):
        def tick():
          counts[name] += 1
        def energy(x):
          tf.py_function(tick, [], [])
          return tf.reduce_sum(1 - tf.cos(x), -1)
        return energy

      @graph
      def run(q, p):
        with tf.GradientTape() as tape:
          tape.watch((q, p))
          loss = loss_of(hgn_tf.integrate(Separable(counted("kinetic"), counted("potential")), PhaseSpace(q, p), 0.1,
                                          steps, final_only=final_only, adjoint="reversible"))
        return tape.gradient(loss, [q, p])

      run(*[tf.ones((1, 2))] * 2)
      return counts

    for n in (1, 7):
      self.assertEqual(evaluations(False, n), {"kinetic": 2 * n, "potential": 2 * (n + 1)})
      self.assertEqual(evaluations(True, n), {"kinetic": 3 * n, "potential": 3 * n + 2})
