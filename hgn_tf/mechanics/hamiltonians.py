"""Scalar energies and the vector fields that are their gradients."""

import collections.abc
import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from hgn_tf.mechanics.phase_space import PhaseSpace


class Hamiltonian(keras.layers.Layer, tf.Module):
  """H(q, p), made of parts that are functions, Keras layers or tf.Modules.

  The variables of the parts are found by whatever holds this: Keras, a tf.Module, a tf.train.Checkpoint.

  Attributes:
    parts: what it is made of.
  """

  name = None  # Keras sets it; tf.Module's is read-only

  def __init__(self, **parts):
    super().__init__()
    for name, part in parts.items():
      setattr(self, name, part)
    self.parts = tuple(parts.values())
    self.energy_variables = EnergyVariables(*self.parts)
    self.built = True


class Separable(Hamiltonian):
  """H(q, p) = K(p) + V(q).

  Args:
    kinetic: K, maps p [batch, ...] to [batch].
    potential: V, maps q [batch, ...] to [batch].
  """

  def __init__(self, kinetic, potential):
    super().__init__(kinetic=kinetic, potential=potential)

  def __call__(self, state):
    return self.kinetic(state.p) + self.potential(state.q)


class Joint(Hamiltonian):
  """H(q, p) = E(x), x = (q, p) side by side on the last axis.

  Args:
    energy: E, maps x [batch, ..., 2d] to [batch].
  """

  def __init__(self, energy):
    super().__init__(energy=energy)

  def __call__(self, state):
    return self.energy(state.merge())


class MassMatrix(Hamiltonian):
  """H(q, p) = p^T M(q)^-1 p / 2 + V(q), M^-1 = L L^T.

  Args:
    factor: L, maps q [batch, ..., d] to [batch, ..., d, d], lower triangular with a positive diagonal: on a grid, a
      matrix at each place.
    potential: V, maps q [batch, ..., d] to [batch].
  """

  def __init__(self, factor, potential):
    super().__init__(factor=factor, potential=potential)

  def __call__(self, state):
    q, p = state
    turned = tf.linalg.matvec(self.factor(q), p, transpose_a=True)
    return 0.5 * tf.reduce_sum(turned ** 2, axis=range(1, turned.shape.rank)) + self.potential(q)

  def inverse_mass(self, q):
    """M(q)^-1, [batch, ..., d, d]."""
    factor = self.factor(q)
    return tf.matmul(factor, factor, transpose_b=True)


def unit_kinetic(p):
  """K(p) = |p|^2 / 2 of unit masses, [batch, ...] -> [batch]."""
  return 0.5 * tf.reduce_sum(p ** 2, axis=range(1, p.shape.rank))


class EnergyVariables(collections.abc.Sequence):
  """The tf.Variables of energies as tf.Module finds them, looked up when asked for: layers are built late.

  Those of a Keras layer that is frozen are left out, for TensorFlow's own variables do not know of it.
  """

  def __init__(self, *energies):
    self._energies = energies

  def __len__(self):
    return len(self._found())

  def __getitem__(self, i):
    return self._found()[i]

  def _found(self):
    variables = [v for energy in self._energies for v in getattr(energy, "variables", ())]
    variables = [v for v in variables if not isinstance(v, keras.Variable) or v.trainable]
    return [v.value if isinstance(v, keras.Variable) else v for v in variables]


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
    total = _checked(energy(x))
  ones = tf.ones(tf.shape(x)[:1], total.dtype)  # the tape's own would take their shape from the energy, and compute it
  return tape.gradient(total, x, output_gradients=ones, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def vector_field(hamiltonian, state):
  """Hamilton's equations (dq/dt, dp/dt) = (dH/dp, -dH/dq) (paper eq. 1).

  Args:
    hamiltonian: maps a PhaseSpace to [batch]; one that has a method `vector_field(state)` is asked for it.
    state: PhaseSpace, each [batch, ...].

  Returns:
    PhaseSpace of time derivatives.
  """
  if hasattr(hamiltonian, "vector_field"):
    return hamiltonian.vector_field(state)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(state)
    total = _checked(hamiltonian(state))
  dq, dp = tape.gradient(total, [state.q, state.p], unconnected_gradients=tf.UnconnectedGradients.ZERO)
  return PhaseSpace(dp, -dq)


def _checked(energy):
  """The energies of a batch, one number for each example."""
  if energy.shape.rank not in (1, None):
    raise ValueError(f"an energy must have shape [batch], one number for each example, got shape {energy.shape}.")
  return energy
