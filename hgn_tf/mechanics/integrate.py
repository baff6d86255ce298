"""Hamilton's equations over time: any integrator, one scan."""

import numpy as np
import tensorflow as tf

from hgn_tf.mechanics.adjoint import recomputing_scan
from hgn_tf.mechanics.integrators import integrator_of, names
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.mechanics.port_hamiltonian import PortHamiltonian, at_step
from hgn_tf.mechanics.scan import scan

ADJOINTS = ("backprop", "reversible", "recompute")


def integrate(hamiltonian, state, dt, num_steps, method="leapfrog", *, final_only=False, adjoint="backprop",
              controls=None):
  """Runs Hamilton's equations for `num_steps` steps of `dt` (paper section 3.1).

  Leapfrog over n steps evaluates dV/dq n + 1 times and dK/dp n times, and never the energy alone.

  Args:
    hamiltonian: maps PhaseSpace to [batch]; separable ones also have `.kinetic(p)` and `.potential(q)`. euler, rk4,
      implicit_midpoint and tao take any. A `PortHamiltonian` takes the symmetric methods, euler and rk4.
    state: PhaseSpace, each [batch, ...].
    dt: step, in the time unit of the Hamiltonian: a float or a [batch] tensor, either sign.
    num_steps: int or int32 scalar tensor (which does not retrace), at least 0.
    method: name in `INTEGRATORS`, or one of its values.
    final_only: return the last state alone.
    adjoint: how gradients are computed. "backprop" keeps what every step computed; "reversible" runs a method that
      can be backward instead, in memory that does not grow with num_steps beyond the trajectory that is returned;
      "recompute" takes the states of that trajectory, and so any method, but no `final_only`.
    controls: u of a `PortHamiltonian`, [batch, num_steps, inputs], each constant over its step; None: no inputs.

  Returns:
    PhaseSpace, each [batch, num_steps + 1, ...], the start included; each [batch, ...] with `final_only`.

  Raises:
    ValueError: unknown method or adjoint, num_steps that is negative or no integer, q and p of different shapes, dt of
      another shape, a method that needs a separable Hamiltonian and does not get one, "reversible" for a method that
      does not run backward, "recompute" with `final_only`, controls of another shape or of a system without inputs, or
      iterations that do not converge (in a graph an InvalidArgumentError).
  """
  integrator = integrator_of(method, hamiltonian)
  state = PhaseSpace(*map(tf.convert_to_tensor, state))
  num_steps = _check_num_steps(num_steps)
  dt = _check(integrator, state, dt, adjoint, final_only)
  if controls is not None:
    controls = _check_controls(controls, hamiltonian, state, num_steps)
  run = _scan if adjoint == "backprop" else recomputing_scan
  solution = run(integrator, hamiltonian, state, dt, num_steps, controls, final_only=final_only)
  return solution if final_only else PhaseSpace(*map(_batch_major, solution))


def _scan(integrator, hamiltonian, state, dt, num_steps, controls, *, final_only):
  """The steps one after another; what TensorFlow back-propagates through."""
  def step(x):
    i, state, carry = x
    return i + 1, *integrator.step(at_step(hamiltonian, controls, i), state, carry, dt)

  (_, last, _), history = scan(step, (tf.constant(0), state, integrator.start(hamiltonian, state)), num_steps,
                               record=None if final_only else lambda x: x[1])
  return last if final_only else history


def _check_controls(controls, hamiltonian, state, num_steps):
  """The controls as a tensor [batch, num_steps, inputs]."""
  if not isinstance(hamiltonian, PortHamiltonian) or hamiltonian.control is None:
    raise ValueError(f"controls need a PortHamiltonian with control=G, got {type(hamiltonian).__name__} without.")
  controls = tf.cast(controls if tf.is_tensor(controls) else np.asarray(controls), state.q.dtype)
  inputs = hamiltonian.control(state.q).shape[-1]
  wanted = [state.q.shape[0], None if tf.is_tensor(num_steps) else num_steps, inputs]
  if not controls.shape.is_compatible_with(wanted):
    raise ValueError(f"controls must have shape [batch, num_steps, inputs] = {wanted}, got {controls.shape}.")
  return controls


def _check_num_steps(num_steps):
  """num_steps as an int where it is known, else as an int32 tensor that is checked when it runs."""
  known = tf.get_static_value(num_steps)
  message = "num_steps must be an integer of at least 0"
  if known is None:
    tf.debugging.assert_non_negative(num_steps, message)
    return tf.cast(num_steps, tf.int32)
  if known != int(known) or known < 0:
    raise ValueError(f"{message}, got {known}.")
  return int(known)


def _check(integrator, state, dt, adjoint, final_only):
  """Validates the arguments of `integrate`; returns dt shaped to broadcast over the state."""
  if adjoint not in ADJOINTS:
    raise ValueError(f"Unknown adjoint={adjoint!r}; known: {', '.join(ADJOINTS)}.")
  if adjoint == "reversible" and not integrator.reversible:
    raise ValueError("adjoint='reversible' needs a method that runs backward, one of "
                     f"{', '.join(names('reversible'))}; got {integrator.name!r}.")
  if adjoint == "recompute" and final_only:
    raise ValueError("adjoint='recompute' takes the states of the trajectory: it needs final_only=False, got True.")
  if not state.q.shape.is_compatible_with(state.p.shape):
    raise ValueError(f"state: q and p must have one shape, got {state.q.shape} and {state.p.shape}.")
  dt = tf.cast(dt if tf.is_tensor(dt) else tf.constant(dt, state.q.dtype), state.q.dtype)  # no float32 on the way
  if dt.shape.rank == 0:
    return dt
  if dt.shape.rank != 1 or not dt.shape.is_compatible_with(state.q.shape[:1]):
    raise ValueError(f"dt must be a scalar or of shape [batch] = {state.q.shape[:1]}, got shape {dt.shape}.")
  return tf.reshape(dt, [-1] + [1] * (state.q.shape.rank - 1))


def _batch_major(x):
  return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])
