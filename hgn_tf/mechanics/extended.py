"""Explicit steps for any Hamiltonian, in a phase space that is doubled."""

import dataclasses

import tensorflow as tf

from hgn_tf.mechanics.hamiltonians import vector_field
from hgn_tf.mechanics.phase_space import PhaseSpace

OWN, COPY, BIND = "own", "copy", "bind"


@dataclasses.dataclass(frozen=True)
class Extended:
  """Tao's explicit method: the state (q, p) beside a copy (x, y), bound by a spring of strength omega.

  Three flows of H(q, y) + H(x, p) + omega (|q - x|^2 + |p - y|^2) / 2 are exact: "own" moves p and x by H(q, y), "copy"
  moves q and y by H(x, p), "bind" turns (q - x, p - y) by the angle 2 omega dt. Their composition is symplectic and
  symmetric in the four variables. On (q, p) alone, with a fresh copy, it is so up to its error: it bounds the energy's
  drift, yet is no bijection of phase space.

  A spring that is too loose lets the copies part after some time; from 2 omega dt of about 2 on, the angle that it
  turns in a step, it can resonate with the steps, and the state runs away. Begin with 2 omega dt = 1
  (docs/integrators.md has a table). M. Tao, Physical Review E 94, 043303 (2016).

  Attributes:
    name: key in `INTEGRATORS`.
    order: global error is O(dt^order).
    substeps: (kind, coefficient) in the order they are applied; the coefficients of each kind sum to 1.
    omega: strength of the spring, in radians over time; at least 0.

  Raises:
    ValueError: omega is negative.
  """

  name: str
  order: int
  substeps: tuple
  omega: float
  symplectic = False
  symmetric = False
  needs_separable = False

  def __post_init__(self):
    if not self.omega >= 0:
      raise ValueError(f"omega must be at least 0, got {self.omega}.")

  @property
  def reversible(self):
    """A step of -dt, of the state and its copy, undoes a step of dt."""
    return self.substeps == self.substeps[::-1]

  def start(self, hamiltonian, state):
    """The copy, and the field that moves it first."""
    return state, vector_field(hamiltonian, state)

  def step(self, hamiltonian, state, carry, dt):
    """One step of dt from `state`; returns the next state and carry."""
    (q, p), ((x, y), field) = state, carry  # the field at (q, y), where it is known
    for kind, coefficient in self.substeps:
      h = coefficient * dt
      if kind == OWN:
        field = vector_field(hamiltonian, PhaseSpace(q, y)) if field is None else field
        x, p = x + h * field.q, p + h * field.p
      elif kind == COPY:
        slope, field = vector_field(hamiltonian, PhaseSpace(x, p)), None
        q, y = q + h * slope.q, y + h * slope.p
      else:
        (q, p), (x, y) = _turned(PhaseSpace(q, p), PhaseSpace(x, y), 2 * self.omega * h)
        field = None
    field = vector_field(hamiltonian, PhaseSpace(q, y)) if field is None else field
    return PhaseSpace(q, p), (PhaseSpace(x, y), field)


def _turned(state, copy, angle):
  """The two with their difference turned in the plane of q and p, and their mean kept."""
  cos, sin = tf.cos(angle), tf.sin(angle)
  mean = PhaseSpace(*(0.5 * (a + b) for a, b in zip(state, copy, strict=True)))
  apart = PhaseSpace(*(0.5 * (a - b) for a, b in zip(state, copy, strict=True)))
  q, p = cos * apart.q + sin * apart.p, cos * apart.p - sin * apart.q
  return PhaseSpace(mean.q + q, mean.p + p), PhaseSpace(mean.q - q, mean.p - p)
