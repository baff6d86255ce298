"""The systems of the paper (section 4, appendix A.4): energies, vector fields, initial states, exact motions."""

import dataclasses
import itertools
from typing import ClassVar

import numpy as np

from hgn_tf.physics import exact
from hgn_tf.physics.base import System, check_range, column, sum_last


@dataclasses.dataclass(frozen=True, kw_only=True)
class MassSpring(System):
  """A mass on a spring, H = k q^2 / 2 + p^2 / (2 m); drawn at (q, 0).

  Attributes:
    stiffness: k.
    mass: m.
  """

  stiffness: float | tuple = 2.0
  mass: float | tuple = 0.5
  radius: tuple = (0.1, 1.0)

  CONSTANTS: ClassVar[tuple] = ("stiffness", "mass")

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., 1]."""
    stiffness, mass = column(self.stiffness, q), column(self.mass, q)
    return (0.5 * stiffness * q**2 + p**2 / (2.0 * mass))[..., 0]

  def velocity(self, p):
    """dH/dp."""
    return p / column(self.mass, p)

  def force(self, q):
    """-dH/dq."""
    return -column(self.stiffness, q) * q

  def solve(self, q, p, times):
    """The exact frictionless motion: [n, times, 1] for q, p [n, 1]."""
    return exact.mass_spring(column(self.stiffness, q), column(self.mass, q), q, p, times)

  def positions(self, q):
    """Where the ball is drawn: [..., 1, 2]."""
    return np.stack([q, np.zeros_like(q)], axis=-1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pendulum(System):
  """A pendulum, H = 2 m g l (1 - cos q) + p^2 / (2 m l^2); drawn at l (sin q, -cos q).

  Attributes:
    gravity: g.
    mass: m.
    length: l.
    max_angle: None, or the (low, high) of the swing's amplitude in radians, less than pi; initial states are then
      uniform in time on the swing of that amplitude, and `radius` is not used.
  """

  gravity: float | tuple = 3.0
  mass: float | tuple = 0.5
  length: float | tuple = 1.0
  radius: tuple = (1.3, 2.3)
  max_angle: tuple | None = None

  CONSTANTS: ClassVar[tuple] = ("gravity", "mass", "length")

  def __post_init__(self):
    super().__post_init__()
    if self.max_angle is not None:
      check_range("max_angle", self.max_angle, high=np.pi)

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., 1]."""
    weight, inertia = self._weight(q), self._inertia(q)
    return (weight * (1.0 - np.cos(q)) + p**2 / (2.0 * inertia))[..., 0]

  def velocity(self, p):
    """dH/dp."""
    return p / self._inertia(p)

  def force(self, q):
    """-dH/dq."""
    return -self._weight(q) * np.sin(q)

  def solve(self, q, p, times):
    """The exact frictionless motion: [n, times, 1] for q, p [n, 1]."""
    return exact.pendulum(self._weight(q), self._inertia(q), q, p, times)

  def sample_radius(self, rng, n):
    """n radii or, with `max_angle`, n amplitudes: [n]."""
    return rng.uniform(*(self.max_angle or self.radius), (n, 1))[:, 0]

  def sample_initial(self, rng, n, radius=None):
    """As for `System`; with `max_angle`, `radius` is the amplitude."""
    if self.max_angle is None:
      return super().sample_initial(rng, n, radius)
    amplitude = self.sample_radius(rng, n) if radius is None else radius
    q, p = np.asarray(amplitude)[:, None], np.zeros((n, 1))
    phase = rng.uniform(0.0, 1.0, (n, 1))
    period = exact.pendulum_period(self._weight(q), self._inertia(q), q)
    q, p = (x[:, 0] for x in exact.pendulum(self._weight(q), self._inertia(q), q, p, phase * period))
    return q, p * (1.0 + self.orbit_noise * rng.standard_normal((n, 1)))

  def positions(self, q):
    """Where the bob is drawn, the pivot at the centre: [..., 1, 2]."""
    return column(self.length, q)[..., None] * np.stack([np.sin(q), -np.cos(q)], axis=-1)

  def _weight(self, like):
    return 2.0 * column(self.mass, like) * column(self.gravity, like) * column(self.length, like)

  def _inertia(self, like):
    return column(self.mass, like) * column(self.length, like) ** 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class NBody(System):
  """Equal masses in a plane under gravity, H = sum_i p_i^2 / (2 m) - sum_{i<j} g m^2 / |q_j - q_i|.

  Initial states: bodies evenly on a circle at a random angle with the velocity of the circular orbit, then perturbed.
  Two bodies: momenta times 1 + orbit_noise N(0, 1), one draw a trajectory (total momentum stays 0). More: times
  1 + orbit_noise (2 u - 1), u uniform on [0, 1] per body and component (Greydanus et al. 2019).

  Attributes:
    bodies: how many.
    gravity: g.
    mass: m, of each.
  """

  bodies: int = 2
  gravity: float | tuple = 1.0
  mass: float | tuple = 1.0
  radius: tuple = (0.5, 1.5)
  orbit_noise: float = 0.05
  canvas: float = 2.0

  CONSTANTS: ClassVar[tuple] = ("gravity", "mass")
  dims: ClassVar[int] = 2

  def __post_init__(self):
    super().__post_init__()
    if self.bodies < 2:
      raise ValueError(f"bodies must be at least 2, got {self.bodies}.")

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., bodies * 2]."""
    energy = sum_last(p**2) / (2.0 * column(self.mass, q))
    for i, j in itertools.combinations(range(self.bodies), 2):
      energy = energy - self._coupling(q) / np.sqrt(sum_last(self._separation(q, i, j) ** 2))
    return energy[..., 0]

  def velocity(self, p):
    """dH/dp."""
    return p / column(self.mass, p)

  def force(self, q):
    """-dH/dq."""
    force, coupling = np.zeros_like(q), self._coupling(q)
    for i, j in itertools.combinations(range(self.bodies), 2):
      separation = self._separation(q, i, j)
      squared = sum_last(separation**2)
      pull = coupling * separation / (squared * np.sqrt(squared))
      force[..., 2 * i : 2 * i + 2] += pull
      force[..., 2 * j : 2 * j + 2] -= pull
    return force

  @property
  def solve(self):
    """The exact frictionless motion of two bodies, as a function of q, p [n, 4] and times; None for more."""
    if self.bodies != 2:
      return None
    return lambda q, p, times: exact.two_body(column(self.gravity, q), column(self.mass, q), q, p, times)

  def place(self, rng, radius, angle):
    """The perturbed ring of the given radius [n] whose first body is at the given angle [n]."""
    n, radius = len(radius), radius[:, None]
    angle = angle[:, None] + 2.0 * np.pi * np.arange(self.bodies) / self.bodies
    cos, sin = np.cos(angle), np.sin(angle)
    q = radius[..., None] * np.stack([cos, sin], axis=-1)
    momentum = column(self.mass, radius) * self.circular_speed(radius)
    p = momentum[..., None] * np.stack([-sin, cos], axis=-1)
    return q.reshape(n, -1), p.reshape(n, -1) * (1.0 + self.orbit_noise * self._perturbation(rng, n))

  def circular_speed(self, radius):
    """Speed at which the evenly placed bodies turn on a circle: v^2 = g m / (4 r) sum_k 1 / sin(pi k / bodies)."""
    ring = np.sum(0.25 / np.sin(np.pi * np.arange(1, self.bodies) / self.bodies))
    return np.sqrt(ring * column(self.gravity, radius) * column(self.mass, radius) / radius)

  def positions(self, q):
    """Where the balls are drawn: [..., bodies, 2]."""
    return q.reshape(*q.shape[:-1], self.bodies, 2)

  def _perturbation(self, rng, n):
    if self.bodies == 2:
      return rng.standard_normal((n, 1))
    return rng.uniform(-1.0, 1.0, (n, self.dimension))

  def _coupling(self, like):
    return column(self.gravity, like) * column(self.mass, like) ** 2

  @staticmethod
  def _separation(q, i, j):
    return q[..., 2 * j : 2 * j + 2] - q[..., 2 * i : 2 * i + 2]
