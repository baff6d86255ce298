"""One particle in a plane: in a magnetic field, whose energy does not separate, and in Henon and Heiles' potential."""

import dataclasses
from typing import ClassVar

import numpy as np

from hgn_tf.physics import exact
from hgn_tf.physics.base import System, check_positive, column, sum_last


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Planar(System):
  """A particle drawn where it is; its initial (q, p) is uniform on a sphere in R^4 of the radius that was drawn."""

  mass: float | tuple = 1.0

  dims: ClassVar[int] = 2

  def place(self, rng, radius, angle):
    """The states at that distance from the origin of phase space, in a direction that `rng` gives."""
    del angle
    direction = rng.standard_normal((len(radius), 4))
    direction = direction / np.sqrt(sum_last(direction**2))
    q, p = radius[:, None] * direction[:, :2], radius[:, None] * direction[:, 2:]
    return q, p * (1.0 + self.orbit_noise * rng.standard_normal((len(radius), 1)))

  def positions(self, q):
    """Where the particle is drawn: [..., 1, 2]."""
    return q[..., None, :]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChargedParticle(_Planar):
  """A charge in a trap and a uniform magnetic field, H = |p - (b / 2)(-y, x)|^2 / (2 m) + k (x^2 + y^2) / 2.

  Friction acts on the velocity: dp/dt = -dH/dq - friction m dq/dt, since p depends on the gauge.

  Attributes:
    mass: m.
    field: b, charge times field strength; positive turns clockwise.
    stiffness: k of the trap; 0: none.
  """

  field: float | tuple = 1.0
  stiffness: float | tuple = 0.5
  radius: tuple = (0.3, 1.0)

  CONSTANTS: ClassVar[tuple] = ("mass", "field")

  def __post_init__(self):
    super().__post_init__()
    check_positive("stiffness", self.stiffness, or_zero=True)

  @property
  def constants(self):
    """Name -> value of the physical constants, friction included."""
    return {**super().constants, "stiffness": self.stiffness}

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., 2]."""
    kinetic = sum_last(self._kinetic(q, p) ** 2) / (2.0 * column(self.mass, q))
    return (kinetic + 0.5 * column(self.stiffness, q) * sum_last(q**2))[..., 0]

  def derivatives(self, q, p):
    """(dH/dp, -dH/dq)."""
    velocity = self._kinetic(q, p) / column(self.mass, q)
    return velocity, -0.5 * column(self.field, q) * _turned(velocity) - column(self.stiffness, q) * q

  def drag(self, q, p):
    """The momentum that friction takes a time unit, over the friction: m dq/dt."""
    return self._kinetic(q, p)

  def solve(self, q, p, times):
    """The exact frictionless motion: [n, times, 2] for q, p [n, 2]."""
    mass, field, stiffness = (column(x, q) for x in (self.mass, self.field, self.stiffness))
    path, velocity = exact.charged_particle(mass, field, stiffness, q, self._kinetic(q, p) / mass, times)
    mass, field = column(self.mass, path), column(self.field, path)
    return path, mass * velocity + 0.5 * field * _turned(path)

  def _kinetic(self, q, p):
    return p - 0.5 * column(self.field, q) * _turned(q)


@dataclasses.dataclass(frozen=True, kw_only=True)
class HenonHeiles(_Planar):
  """A star near the middle of a galaxy, H = |p|^2 / (2 m) + (x^2 + y^2) / 2 + c (x^2 y - y^3 / 3).

  Regular at low energies, chaotic at high ones. With m = c = 1 motions stay bounded below an energy of 1 / 6, which
  every state less than half a unit from the origin of phase space has.

  Attributes:
    mass: m.
    coupling: c.
  """

  coupling: float | tuple = 1.0
  radius: tuple = (0.2, 0.5)

  CONSTANTS: ClassVar[tuple] = ("mass", "coupling")

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., 2]."""
    x, y = q[..., :1], q[..., 1:]
    well = 0.5 * sum_last(q**2) + column(self.coupling, q) * (x**2 * y - y**3 / 3.0)
    return (sum_last(p**2) / (2.0 * column(self.mass, p)) + well)[..., 0]

  def velocity(self, p):
    """dH/dp."""
    return p / column(self.mass, p)

  def force(self, q):
    """-dH/dq."""
    x, y = q[..., :1], q[..., 1:]
    return -q - column(self.coupling, q) * np.concatenate([2.0 * x * y, x**2 - y**2], axis=-1)


def _turned(x):
  """Vectors [..., 2] a quarter turn counterclockwise: (-y, x)."""
  return np.stack([-x[..., 1], x[..., 0]], axis=-1)
