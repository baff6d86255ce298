"""Gradients of a trajectory in memory that does not grow with its length.

A reversible method run with -dt undoes its own steps, so the backward pass can rebuild the states that it passes, one
at a time, and nothing has to be stored. Where the caller gets the whole trajectory, its states are taken from there,
and what each step computed from them is computed once more: that any method can.
"""

import functools

import tensorflow as tf

from hgn_tf.mechanics.hamiltonians import is_separable, vector_field
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.port_hamiltonian import at_step
from hgn_tf.mechanics.scan import scan

_FIRST_ORDER = ("integrate(adjoint='reversible') has first derivatives only, and so has 'recompute'; "
                "adjoint='backprop' has all.")


def recomputing_scan(integrator, hamiltonian, state, dt, num_steps, controls=None, *, final_only):
  """`num_steps` steps of an integrator, differentiated by computing each once more, the last one first.

  Gradients flow to the state, to dt, to the controls and to whatever the energies depend on: their variables, and the
  tensors that they close over. They equal those of back-propagation up to rounding, and have no derivatives of their
  own.

  Args:
    integrator: with `final_only` one that is `reversible`.
    hamiltonian: what it steps.
    state: PhaseSpace, each [batch, ...].
    dt: tensor that broadcasts over the state.
    num_steps: int or int32 scalar tensor.
    controls: [batch, num_steps, inputs] of a `PortHamiltonian`, or None.
    final_only: return the last state alone.

  Returns:
    PhaseSpace, each [num_steps + 1, batch, ...]; each [batch, ...] with `final_only`.
  """
  def solve(q, p, dt):
    return _solve(integrator, hamiltonian, PhaseSpace(q, p), dt, num_steps, controls, final_only)

  if tf.executing_eagerly():  # where a tape around this call would keep every operation of the loop
    solve = tf.function(solve, autograph=False).get_concrete_function(*state, dt)
  return solve(*state, dt)


def _solve(integrator, hamiltonian, state, dt, num_steps, controls, final_only):
  def start(state):
    return state, integrator.start(hamiltonian, state)

  def step(x, i, dt=dt):
    return integrator.step(at_step(hamiltonian, controls, i), *x, dt)

  initial = start(tf.nest.map_structure(tf.stop_gradient, state))
  (_, last), history = scan(lambda ix: (ix[0] + 1, step(ix[1], ix[0])), (tf.constant(0), initial), num_steps,
                            record=None if final_only else lambda ix: ix[1])
  solution = tf.nest.map_structure(tf.stop_gradient, last if final_only else history)
  parameters = [dt, *_dependencies(lambda: at_step(hamiltonian, controls, 0), state)]

  def pullback(*cotangents):
    """From the gradient with respect to the solution, those with respect to the state and the parameters."""
    cotangents = tf.nest.pack_sequence_as(solution, cotangents)
    if final_only:
      x, gradient = solution, cotangents
    else:
      x, gradient = _at(solution, num_steps), _at(cotangents, num_steps)

    @functools.partial(tf.function, autograph=False, experimental_attributes={"_noinline": True})
    def body(i, x, gradient, totals):
      x = step(x, i, -dt) if final_only else _at(solution, i)
      gradient, terms = _vjp(lambda x: step(x, i), x, parameters, gradient)
      gradient = gradient if final_only else _add(gradient, _at(cotangents, i))
      return i - 1, x, gradient, _add(totals, terms)

    _, x, gradient, totals = tf.while_loop(
        lambda i, *_: i >= 0, body, (num_steps - 1, x, gradient, [tf.zeros_like(y) for y in parameters]),
        maximum_iterations=num_steps, parallel_iterations=1)
    gradient, terms = _vjp(start, x[0], parameters, gradient)
    return _once_differentiable((gradient, _add(totals, terms)))

  return _attach_gradient(solution, state, parameters, pullback)[0]


def _attach_gradient(solution, state, parameters, pullback):
  """`solution`, whose gradients with respect to (state, parameters) are `pullback` of its own."""
  @tf.custom_gradient
  def attach(solution, state, parameters):
    del state, parameters
    def gradient(*cotangents):
      return (tf.nest.map_structure(lambda _: None, solution), *pullback(*cotangents))
    return tf.nest.map_structure(tf.identity, solution), gradient

  return attach(solution, state, [tf.identity(y) for y in parameters])


def _dependencies(system, state):
  """Trainable variables and floating tensors that system(), what is stepped, uses besides its argument."""
  def energies(q, p):
    hamiltonian = system()
    if is_separable(hamiltonian):
      return hamiltonian.kinetic(p), hamiltonian.potential(q)
    return vector_field(hamiltonian, PhaseSpace(q, p))

  specs = [tf.TensorSpec(x.shape, x.dtype) for x in state]
  traced = tf.function(energies, autograph=False).get_concrete_function(*specs)
  return [*traced.graph.trainable_variables, *(x for x in traced.captured_inputs if x.dtype.is_floating)]


def _vjp(function, x, parameters, cotangent):
  """Vector-Jacobian products of `function` at x, with respect to x and to the parameters that it uses."""
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch((x, parameters))
    y = function(x)
  return tape.gradient(tf.nest.flatten(y), (x, parameters), tf.nest.flatten(cotangent), tf.UnconnectedGradients.ZERO)


def _at(history, i):
  return tf.nest.map_structure(lambda x: x[i], history)


def _add(a, b):
  return tf.nest.map_structure(tf.add, a, b)


def _once_differentiable(gradients):
  return tf.nest.map_structure(lambda x: tf.raw_ops.PreventGradient(input=x, message=_FIRST_ORDER), gradients)
