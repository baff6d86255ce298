"""Two pendulums, one hanging from the other: an energy that does not separate, and chaos."""

import dataclasses
from typing import ClassVar

import numpy as np

from hgn_tf.physics.base import System, column


@dataclasses.dataclass(frozen=True, kw_only=True)
class DoublePendulum(System):
  """Two equal bobs on equal rods in a plane; q are the angles of the rods from straight down, both absolute.

  H = (p1^2 + 2 p2^2 - 2 p1 p2 cos(q1 - q2)) / (2 m l^2 (1 + sin^2(q1 - q2))) + m g l (3 - 2 cos q1 - cos q2).

  Initial states: (q_i, p_i) on a circle of one radius for both rods, each at an angle of its own.

  Attributes:
    gravity: g.
    mass: m, of each bob.
    length: l, of each rod.
  """

  gravity: float | tuple = 3.0
  mass: float | tuple = 0.5
  length: float | tuple = 1.0
  radius: tuple = (1.3, 2.3)
  canvas: float = 2.5

  CONSTANTS: ClassVar[tuple] = ("gravity", "mass", "length")
  bodies: ClassVar[int] = 2

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., 2]."""
    (q1, q2), (p1, p2) = _split(q), _split(p)
    kinetic = (p1**2 + 2.0 * p2**2 - 2.0 * p1 * p2 * np.cos(q1 - q2)) / (2.0 * self._inertia(q) * _spread(q1 - q2))
    return (kinetic + self._weight(q) * (3.0 - 2.0 * np.cos(q1) - np.cos(q2)))[..., 0]

  def derivatives(self, q, p):
    """(dH/dp, -dH/dq)."""
    (q1, q2), (p1, p2) = _split(q), _split(p)
    sin, cos, spread = np.sin(q1 - q2), np.cos(q1 - q2), _spread(q1 - q2)
    scale, weight = self._inertia(q) * spread, self._weight(q)
    velocity = np.concatenate([p1 - p2 * cos, 2.0 * p2 - p1 * cos], axis=-1) / scale
    turn = (p1 * p2 * sin - (p1**2 + 2.0 * p2**2 - 2.0 * p1 * p2 * cos) * sin * cos / spread) / scale  # dK/d(q1 - q2)
    return velocity, np.concatenate([-turn - 2.0 * weight * np.sin(q1), turn - weight * np.sin(q2)], axis=-1)

  def place(self, rng, radius, angle):
    """The states whose (q_i, p_i) have that radius, the first at the given angle, the second at one of its own."""
    angles = np.stack([angle, rng.uniform(0.0, 2.0 * np.pi, (len(angle), 1))[:, 0]], axis=-1)
    q, p = radius[:, None] * np.cos(angles), radius[:, None] * np.sin(angles)
    return q, p * (1.0 + self.orbit_noise * rng.standard_normal((len(radius), 1)))

  def positions(self, q):
    """Where the bobs are drawn, the pivot at the centre: [..., 2, 2]."""
    rods = column(self.length, q)[..., None] * np.stack([np.sin(q), -np.cos(q)], axis=-1)
    return np.cumsum(rods, axis=-2)

  def _weight(self, like):
    return column(self.mass, like) * column(self.gravity, like) * column(self.length, like)

  def _inertia(self, like):
    return column(self.mass, like) * column(self.length, like) ** 2


def _split(x):
  return x[..., :1], x[..., 1:]


def _spread(angle):
  return 1.0 + np.sin(angle) ** 2
