"""Particles of a fluid in a periodic box."""

import dataclasses
from typing import ClassVar

import numpy as np

from hgn_tf.physics.base import System, check_positive, column, sum_last

_CUTOFF = 2.5  # of the pair potential, or half the box
_MELT_STEPS, _MELT_DT = 400, 0.005  # of leapfrog, from the lattice to the first state


@dataclasses.dataclass(frozen=True, kw_only=True)
class LennardJones(System):
  """Equal particles in a square box without walls, H = sum_i |p_i|^2 / (2 m) + sum_{i<j} u(|q_j - q_i|).

  u(r) = 4 e (r^-12 - r^-6), of the nearest of each particle's periodic images, cut off at 2.5 or half the box and
  shifted so that energy and force go to 0 there without a step. Lengths are in the particles' diameters.

  Initial states: a jittered lattice that has run for 2 time units from the velocities of `temperature`; momenta are
  then scaled to it once more, their sum is 0. Positions are not wrapped into the box: paths have no jumps.

  Attributes:
    bodies: how many; a square number.
    density: particles on a unit area; gives the box.
    temperature: of the first momenta, kinetic energy per degree of freedom times 2.
    strength: e.
    mass: m, of each.
  """

  bodies: int = 4
  density: float = 0.04
  temperature: float = 1.0
  strength: float | tuple = 1.0
  mass: float | tuple = 1.0
  radius: tuple = (0.0, 1.0)
  canvas: float | None = None

  CONSTANTS: ClassVar[tuple] = ("strength", "mass")
  dims: ClassVar[int] = 2

  def __post_init__(self):
    check_positive("density", self.density)
    check_positive("temperature", self.temperature)
    side = round(np.sqrt(self.bodies))
    if self.bodies < 4 or side**2 != self.bodies:
      raise ValueError(f"bodies must be a square number of at least 4, got {self.bodies}.")
    if self.canvas is None:
      object.__setattr__(self, "canvas", 0.5 * self.box)
    super().__post_init__()
    if not np.isclose(self.canvas, 0.5 * self.box):
      raise ValueError(f"canvas must be half the box, {0.5 * self.box:g} at this density, got {self.canvas}.")

  @property
  def box(self):
    """Length of the box."""
    return float(np.sqrt(self.bodies / self.density))

  @property
  def cutoff(self):
    """Distance beyond which particles do not feel each other."""
    return min(_CUTOFF, 0.5 * self.box)

  @property
  def ball_radius(self):
    """Of the drawn particles: a quarter of the spacing of a lattice of that many, whatever the density."""
    return 0.25 * self.box / np.sqrt(self.bodies)

  @property
  def shifts(self):
    """Offsets at which every ball is drawn, so that one that leaves on one side comes in on the other."""
    return tuple((x * self.box, y * self.box) for x in (-1, 0, 1) for y in (-1, 0, 1))

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., bodies * 2]."""
    _, squared = self._pairs(q)
    cutoff = self.cutoff
    energy, slope = _lennard_jones(cutoff**2)
    distance = np.minimum(np.sqrt(squared), cutoff)
    pair = _lennard_jones(distance**2)[0] - energy - slope * cutoff * (distance - cutoff)
    return (sum_last(p**2) / (2.0 * column(self.mass, p)) + column(self.strength, q) * sum_last(pair))[..., 0]

  def velocity(self, p):
    """dH/dp."""
    return p / column(self.mass, p)

  def force(self, q):
    """-dH/dq."""
    separation, squared = self._pairs(q)
    cutoff = self.cutoff
    distance = np.minimum(np.sqrt(squared), cutoff)
    pull = _lennard_jones(distance**2)[1] - _lennard_jones(cutoff**2)[1] * cutoff / distance
    pull = (column(self.strength, q) * pull)[..., None] * separation  # on the first of a pair, towards the second
    first, second = self._indices
    force = np.zeros((*q.shape[:-1], self.bodies, 2))
    for pair, (i, j) in enumerate(zip(first, second, strict=True)):
      force[..., i, :] += pull[..., pair, :]
      force[..., j, :] -= pull[..., pair, :]
    return force.reshape(q.shape)

  def sample_initial(self, rng, n, radius=None):
    """n states of the fluid: q, p [n, bodies * 2]."""
    del radius
    side = round(np.sqrt(self.bodies))
    sites = (np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1) + 0.5) / side - 0.5
    q = self.box * (sites + rng.uniform(-0.05, 0.05, (n, self.dimension)) / side)
    p = self._heated(rng.standard_normal((n, self.dimension)))
    force = self.force(q)
    for _ in range(_MELT_STEPS):
      p = p + 0.5 * _MELT_DT * force
      q = q + _MELT_DT * self.velocity(p)
      force = self.force(q)
      p = p + 0.5 * _MELT_DT * force
    q = q - self.box * np.round(q / self.box)
    return q, self._heated(p) * (1.0 + self.orbit_noise * rng.standard_normal((n, 1)))

  def positions(self, q):
    """Where the particles are drawn, in the box: [..., bodies, 2]."""
    return (q - self.box * np.round(q / self.box)).reshape(*q.shape[:-1], self.bodies, 2)

  def inside(self, q):
    """There is no way out."""
    return np.ones(q.shape[:-1], bool)

  def _heated(self, p):
    """Momenta with sum 0 and the kinetic energy of `temperature`."""
    bodies = p.reshape(*p.shape[:-1], self.bodies, 2)
    p = (bodies - np.mean(bodies, axis=-2, keepdims=True)).reshape(p.shape)
    freedom = self.dimension - self.dims
    return p * np.sqrt(freedom * self.temperature * column(self.mass, p) / sum_last(p**2))

  @property
  def _indices(self):
    return np.triu_indices(self.bodies, 1)

  def _pairs(self, q):
    """(separations [..., pairs, 2] to the nearest image, their squares [..., pairs])."""
    bodies = q.reshape(*q.shape[:-1], self.bodies, 2)
    first, second = self._indices
    separation = bodies[..., second, :] - bodies[..., first, :]
    separation = separation - self.box * np.round(separation / self.box)
    return separation, separation[..., 0] ** 2 + separation[..., 1] ** 2


def _lennard_jones(squared):
  """(u, u' / r) of pairs at the given squared distances, e = 1."""
  sixth = squared**-3
  return 4.0 * (sixth**2 - sixth), -24.0 * (2.0 * sixth**2 - sixth) / squared
