"""Scalar energies and the vector fields that are their gradients."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from hgn_tf.mechanics.phase_space import PhaseSpace


@dataclasses.dataclass(frozen=True)
class Separable:
  """H(q, p) = K(p) + V(q).

  Attributes:
    kinetic: K, maps p [batch, ...] to [batch].
    potential: V, maps q [batch, ...] to [batch].
  """

  kinetic: Callable
  potential: Callable

  def __call__(self, state):
    return self.kinetic(state.p) + self.potential(state.q)


@dataclasses.dataclass(frozen=True)
class Field:
  """A vector field that is not the symplectic gradient of an energy (damped, or learned as it is).

  Attributes:
    vector_field: maps a PhaseSpace, each [batch, ...], to the PhaseSpace of time derivatives.
  """

  vector_field: Callable


def is_separable(hamiltonian):
  """Whether `hamiltonian` offers `.kinetic(p)` and `.potential(q)` apart."""
  return hasattr(hamiltonian, "kinetic") and hasattr(hamiltonian, "potential")


def gradient(energy, x):
  """dE/dx of the rows of `x`, by a tape that outer tapes can differentiate again.

  Args:
    energy: maps x [batch, ...] to [batch]; row i of the result depends on row i of x only. One that has a method
      `gradient(x)` is asked for it.
    x: [batch, ...].

  Returns:
    Tensor of the shape of x; zeros where the energy does not depend on x.
  """
  if hasattr(energy, "gradient"):
    return energy.gradient(x)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(x)
    total = energy(x)
  ones = tf.ones(tf.shape(x)[:1], total.dtype)  # the tape's own would take their shape from the energy, and compute it
  return tape.gradient(total, x, output_gradients=ones, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def vector_field(hamiltonian, state):
  """Hamilton's equations (dq/dt, dp/dt) = (dH/dp, -dH/dq) (paper eq. 1).

  Args:
    hamiltonian: maps a PhaseSpace to [batch]; a `Field` gives its own derivatives.
    state: PhaseSpace, each [batch, ...].

  Returns:
    PhaseSpace of time derivatives.
  """
  if isinstance(hamiltonian, Field):
    return hamiltonian.vector_field(state)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(state)
    total = hamiltonian(state)
  dq, dp = tape.gradient(total, [state.q, state.p], unconnected_gradients=tf.UnconnectedGradients.ZERO)
  return PhaseSpace(dp, -dq)
