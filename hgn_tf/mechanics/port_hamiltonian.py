"""Hamiltonian systems with friction and inputs."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from hgn_tf.mechanics.hamiltonians import Hamiltonian, Separable, gradient, unit_kinetic
from hgn_tf.mechanics.phase_space import PhaseSpace

_NEAR = 0.1  # where (e^x - 1) / x is a polynomial, so that its derivatives are as exact as itself
_TERMS = [1.0 / math.factorial(k) for k in range(9, 0, -1)]


class PortHamiltonian(Hamiltonian):
  """dq/dt = dH/dp, dp/dt = -dH/dq - D(q) dH/dp + G(q) u(t), with H = |p|^2 / 2m + V(q) and a diagonal D.

  >>> cart = PortHamiltonian(lambda q: tf.reduce_sum(q**2, -1) / 2, damping=lambda q: 0.1 * tf.ones_like(q))
  >>> hgn_tf.integrate(cart, state, 0.1, 100)

  Args:
    potential: V, maps q [batch, d] to [batch].
    damping: the diagonal of D, maps q to [batch, d]; None: no friction.
    control: G, maps q to [batch, d, inputs]; None: no inputs.
    mass: m, a number or [d].
    inputs: u [batch, inputs], constant in time; None: 0. `hgn_tf.integrate(controls=...)` gives each step its own.
  """

  def __init__(self, potential, damping=None, control=None, mass=1.0, inputs=None):
    kinetic = lambda p: unit_kinetic(p / tf.sqrt(_as(mass, p)))  # noqa: E731
    super().__init__(conservative=Separable(kinetic, potential), damping=damping, control=control)
    self.mass, self.inputs = mass, inputs

  def __call__(self, state):
    """H, without what friction and inputs do to it."""
    return self.conservative(state)

  def driven(self, inputs):
    """The same system with these inputs, [batch, inputs]."""
    return PortHamiltonian(self.conservative.potential, self.damping, self.control, self.mass, inputs)

  def rates(self, q):
    """D(q) / m, [batch, d]."""
    return tf.zeros_like(q) if self.damping is None else self.damping(q) / _as(self.mass, q)

  def force(self, q):
    """G(q) u, [batch, d]."""
    if self.control is None or self.inputs is None:
      return tf.zeros_like(q)
    return tf.linalg.matvec(self.control(q), self.inputs)

  def vector_field(self, state):
    """The time derivatives of a PhaseSpace."""
    q, p = state
    dp = self.force(q) - self.rates(q) * p - gradient(self.conservative.potential, q)
    return PhaseSpace(p / _as(self.mass, p), dp)

  def linear_flow(self, state, dt):
    """Friction and inputs alone, q at rest: dp/dt = -D(q) p / m + G(q) u, exactly."""
    q, p = state
    x = -dt * self.rates(q)
    return PhaseSpace(q, tf.exp(x) * p + dt * _mean_exponential(x) * self.force(q))


@dataclasses.dataclass(frozen=True)
class Damped:
  """A step of a `PortHamiltonian`: half a step of friction and inputs, one of H, the other half.

  The first and the last are exact for any stiffness of D; the composition is symmetric and of order 2.

  Attributes:
    integrator: symmetric, of the step of H.
  """

  integrator: object
  order = 2
  symplectic = False
  symmetric = True
  reversible = True
  needs_separable = False

  @property
  def name(self):
    """That of the integrator."""
    return self.integrator.name

  def start(self, hamiltonian, state):
    """What the integrator carries, which friction and inputs do not change."""
    return self.integrator.start(hamiltonian.conservative, state)

  def step(self, hamiltonian, state, carry, dt):
    """One step of dt from `state`; returns the next state and carry."""
    state = hamiltonian.linear_flow(state, 0.5 * dt)
    state, carry = self.integrator.step(hamiltonian.conservative, state, carry, dt)
    return hamiltonian.linear_flow(state, 0.5 * dt), carry


def at_step(hamiltonian, controls, i):
  """The system that step `i` of a rollout runs: with the inputs of that step, where there are controls.

  Args:
    hamiltonian: any; a `PortHamiltonian` where there are controls.
    controls: [batch, num_steps, inputs], or None.
    i: int or int32 scalar.
  """
  return hamiltonian if controls is None else hamiltonian.driven(tf.gather(controls, i, axis=1))


def _as(number, x):
  """A number or a tensor in the dtype of x, with all of its digits."""
  return tf.cast(number if tf.is_tensor(number) else np.asarray(number), x.dtype)


def _mean_exponential(x):
  """(e^x - 1) / x, 1 at 0."""
  near = tf.abs(x) < _NEAR
  apart = tf.where(near, tf.ones_like(x), x)
  return tf.where(near, tf.math.polyval([tf.constant(c, x.dtype) for c in _TERMS], tf.where(near, x, tf.zeros_like(x))),
                  tf.math.expm1(apart) / apart)
