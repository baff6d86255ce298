"""Explicit Runge-Kutta methods, for any Hamiltonian."""

import dataclasses

from hgn_tf.mechanics.hamiltonians import vector_field
from hgn_tf.mechanics.phase_space import PhaseSpace


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
  reversible = False
  needs_separable = False

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
