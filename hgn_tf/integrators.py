"""Integrators as coefficient tables, and one scan that runs any of them.

A splitting method for H = K(p) + V(q) is a sequence of kicks p -= c dt dV/dq and drifts q += c dt dK/dp; a Runge-Kutta
method is its Butcher tableau. `scan` is the only loop.
"""

import dataclasses
import fractions

import tensorflow as tf

from hgn_tf.adjoint import reversible_scan
from hgn_tf.hamiltonians import gradient, is_separable, vector_field
from hgn_tf.phase_space import PhaseSpace
from hgn_tf.scan import scan

KICK, DRIFT = "kick", "drift"
ADJOINTS = ("backprop", "reversible")


@dataclasses.dataclass(frozen=True)
class Splitting:
  """A symplectic composition of exact kicks and drifts of a separable Hamiltonian.

  Attributes:
    name: key in `INTEGRATORS`.
    order: global error is O(dt^order).
    substeps: (kind, coefficient) in the order they are applied; the coefficients of each kind sum to 1.
  """

  name: str
  order: int
  substeps: tuple
  symplectic = True

  @property
  def symmetric(self):
    """Self-adjoint: running it with -dt is its exact inverse."""
    return self.substeps == self.substeps[::-1]

  @property
  def adjoint(self):
    """The method whose step of -dt inverts a step of dt: the substeps in reverse order."""
    return dataclasses.replace(self, name=f"{self.name}_adjoint", substeps=self.substeps[::-1])

  @property
  def reuses_force(self):
    """A step that ends with a kick leaves dV/dq for the kick that opens the next one."""
    return self.substeps[0][0] == self.substeps[-1][0] == KICK

  def start(self, hamiltonian, state):
    """What a step carries besides the state: dV/dq(q) where the next step opens with it."""
    return gradient(hamiltonian.potential, state.q) if self.reuses_force else ()

  def step(self, hamiltonian, state, carry, dt):
    """One step of dt from `state`; returns the next state and carry."""
    q, p = state
    force = carry if self.reuses_force else None  # dV/dq at the current q, where it is known
    for kind, coefficient in self.substeps:
      if kind == KICK:
        force = gradient(hamiltonian.potential, q) if force is None else force
        p = p - coefficient * dt * force
      else:
        q, force = q + coefficient * dt * gradient(hamiltonian.kinetic, p), None
    return PhaseSpace(q, p), force if self.reuses_force else ()


@dataclasses.dataclass(frozen=True)
class RungeKutta:
  """An explicit Runge-Kutta method for any Hamiltonian.

  Attributes:
    name: key in `INTEGRATORS`.
    order: global error is O(dt^order).
    stages: row i holds the weights of the earlier slopes at which slope i is taken.
    weights: of the slopes in the step.
  """

  name: str
  order: int
  stages: tuple
  weights: tuple
  symplectic = False
  symmetric = False

  def start(self, hamiltonian, state):
    """A step carries nothing besides the state."""
    del hamiltonian, state
    return ()

  def step(self, hamiltonian, state, carry, dt):
    """One step of dt from `state`; returns the next state and carry."""
    slopes = []
    for stage in self.stages:
      slopes.append(vector_field(hamiltonian, _advance(state, slopes, stage, dt)))
    return _advance(state, slopes, self.weights, dt), carry


def _advance(state, slopes, weights, dt):
  """state + dt * sum_i weights_i slopes_i."""
  q, p = state
  for weight, slope in zip(weights, slopes, strict=True):
    if weight:
      q, p = q + weight * dt * slope.q, p + weight * dt * slope.p
  return PhaseSpace(q, p)


_SIXTH, _THIRD = float(fractions.Fraction(1, 6)), float(fractions.Fraction(1, 3))
_THETA = 1.0 / (2.0 - 2.0 ** (1.0 / 3.0))  # Forest & Ruth 1990

INTEGRATORS = {
    method.name: method
    for method in (
        RungeKutta("euler", 1, ((),), (1.0,)),
        Splitting("symplectic_euler", 1, ((KICK, 1.0), (DRIFT, 1.0))),
        Splitting("leapfrog", 2, ((KICK, 0.5), (DRIFT, 1.0), (KICK, 0.5))),
        RungeKutta("rk4", 4, ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (_SIXTH, _THIRD, _THIRD, _SIXTH)),
        Splitting("ruth4", 4, (
            (KICK, _THETA / 2), (DRIFT, _THETA), (KICK, (1 - _THETA) / 2), (DRIFT, 1 - 2 * _THETA),
            (KICK, (1 - _THETA) / 2), (DRIFT, _THETA), (KICK, _THETA / 2))),
    )
}


def get_integrator(method):
  """The entry of `INTEGRATORS` called `method`; an integrator passes through.

  Raises:
    ValueError: unknown name; the message lists the known ones.
  """
  if isinstance(method, (Splitting, RungeKutta)):
    return method
  if method not in INTEGRATORS:
    raise ValueError(f"Unknown integrator method={method!r}; known: {', '.join(sorted(INTEGRATORS))}.")
  return INTEGRATORS[method]


def integrate(hamiltonian, state, dt, num_steps, method="leapfrog", *, final_only=False, adjoint="backprop"):
  """Runs Hamilton's equations for `num_steps` steps of `dt` (paper section 3.1).

  Leapfrog over n steps evaluates dV/dq n + 1 times and dK/dp n times, and never the energy alone.

  Args:
    hamiltonian: maps PhaseSpace to [batch]; separable ones also have `.kinetic(p)` and `.potential(q)`.
    state: PhaseSpace, each [batch, ...].
    dt: step, in the time unit of the Hamiltonian: a float or a [batch] tensor, either sign.
    num_steps: int or int32 scalar tensor (which does not retrace), at least 0.
    method: name in `INTEGRATORS`, or one of its values.
    final_only: return the last state alone.
    adjoint: how gradients are computed. "backprop" keeps what every step computed; "reversible" runs a symmetric
      method backward instead, in memory that does not grow with num_steps beyond the trajectory that is returned.

  Returns:
    PhaseSpace, each [batch, num_steps + 1, ...], the start included; each [batch, ...] with `final_only`.

  Raises:
    ValueError: unknown method or adjoint, num_steps that is negative or no integer, q and p of different shapes, dt of
      another shape, a method that needs a separable Hamiltonian and does not get one, or "reversible" for a method that
      is not symmetric.
  """
  integrator = get_integrator(method)
  state = PhaseSpace(*map(tf.convert_to_tensor, state))
  num_steps = _check_num_steps(num_steps)
  dt = _check(integrator, hamiltonian, state, dt, adjoint)
  run = reversible_scan if adjoint == "reversible" else _scan
  solution = run(integrator, hamiltonian, state, dt, num_steps, final_only=final_only)
  return solution if final_only else PhaseSpace(*map(_batch_major, solution))


def _scan(integrator, hamiltonian, state, dt, num_steps, *, final_only):
  """The steps one after another; what TensorFlow back-propagates through."""
  (last, _), history = scan(
      lambda x: integrator.step(hamiltonian, *x, dt), (state, integrator.start(hamiltonian, state)), num_steps,
      record=None if final_only else lambda x: x[0])
  return last if final_only else history


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


def _check(integrator, hamiltonian, state, dt, adjoint):
  """Validates the arguments of `integrate`; returns dt shaped to broadcast over the state."""
  if adjoint not in ADJOINTS:
    raise ValueError(f"Unknown adjoint={adjoint!r}; known: {', '.join(ADJOINTS)}.")
  if adjoint == "reversible" and not integrator.symmetric:
    raise ValueError(f"adjoint='reversible' needs a symmetric method, {_names('symmetric')}; got {integrator.name!r}.")
  if integrator.symplectic and not is_separable(hamiltonian):
    raise ValueError(f"method={integrator.name!r} needs a separable hamiltonian with .kinetic(p) and .potential(q), "
                     f"got {type(hamiltonian).__name__}; euler and rk4 take any.")
  if not state.q.shape.is_compatible_with(state.p.shape):
    raise ValueError(f"state: q and p must have one shape, got {state.q.shape} and {state.p.shape}.")
  dt = tf.cast(dt if tf.is_tensor(dt) else tf.constant(dt, state.q.dtype), state.q.dtype)  # no float32 on the way
  if dt.shape.rank == 0:
    return dt
  if dt.shape.rank != 1 or not dt.shape.is_compatible_with(state.q.shape[:1]):
    raise ValueError(f"dt must be a scalar or of shape [batch] = {state.q.shape[:1]}, got shape {dt.shape}.")
  return tf.reshape(dt, [-1] + [1] * (state.q.shape.rank - 1))


def _names(attribute):
  return " or ".join(name for name, method in INTEGRATORS.items() if getattr(method, attribute))


def _batch_major(x):
  return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])
