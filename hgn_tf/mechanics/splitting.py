"""Splitting methods: kicks and drifts of a separable Hamiltonian."""

import dataclasses

from hgn_tf.mechanics.hamiltonians import gradient
from hgn_tf.mechanics.phase_space import PhaseSpace

KICK, DRIFT = "kick", "drift"


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
  needs_separable = True

  @property
  def symmetric(self):
    """Self-adjoint: running it with -dt is its exact inverse."""
    return self.substeps == self.substeps[::-1]

  @property
  def reversible(self):
    """A step of -dt, of the state and what it carries, undoes a step of dt."""
    return self.symmetric

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
