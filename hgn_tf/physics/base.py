"""What the Hamiltonian systems share.

States are float64 arrays q, p of shape [..., d], d = bodies * dims with the bodies outermost. A physical constant is a
number, an array [n] with one value per trajectory (the leading axis of the states), or a pair (low, high) from which
`draw_constants` draws one value per trajectory.
"""

import dataclasses
from typing import ClassVar

import numpy as np

BALL_RADIUS = 0.3  # of a body of unit mass, in length units; areas are proportional to masses


@dataclasses.dataclass(frozen=True, kw_only=True)
class System:
  """What the systems share: checks, constants, friction and the noise of initial momenta.

  Attributes:
    radius: (low, high) of the uniform law of the initial state's radius.
    orbit_noise: relative perturbation of the initial momenta, p * (1 + orbit_noise * N(0, 1)), one draw a trajectory.
    friction: rate gamma >= 0 of dp/dt = -dH/dq - gamma p, in 1/time.
    canvas: half the width of the square that is drawn, in length units.
  """

  radius: tuple
  orbit_noise: float = 0.0
  friction: float | tuple = 0.0
  canvas: float = 1.5

  CONSTANTS: ClassVar[tuple] = ()
  bodies: ClassVar[int] = 1
  dims: ClassVar[int] = 1
  solve: ClassVar = None  # a method (q, p, times) -> (q, p) where the exact motion is known
  pattern: ClassVar = None  # a method (q, p) -> [..., rows, columns] in [0, 1] where the picture is not of balls
  shifts: ClassVar[tuple] = ((0.0, 0.0),)  # at which every ball is drawn

  def __post_init__(self):
    for name in self.CONSTANTS + ("canvas",):
      check_positive(name, getattr(self, name))
    for name in ("orbit_noise", "friction"):
      check_positive(name, getattr(self, name), or_zero=True)
    check_range("radius", self.radius)

  @property
  def dimension(self):
    """d, the length of q."""
    return self.bodies * self.dims

  @property
  def constants(self):
    """Name -> value of the physical constants, friction included."""
    return {name: getattr(self, name) for name in self.CONSTANTS + ("friction",)}

  def draw_constants(self, rng, n):
    """The system with every (low, high) constant replaced by an array of n uniform draws."""
    ranges = {name: value for name, value in self.constants.items() if isinstance(value, (tuple, list))}
    return dataclasses.replace(self, **{name: rng.uniform(low, high, (n, 1))[:, 0]
                                        for name, (low, high) in ranges.items()})

  def rows(self, keep):
    """The system of the trajectories selected by the index or mask `keep`, where constants are arrays."""
    arrays = {name: value[keep] for name, value in self.constants.items() if isinstance(value, np.ndarray)}
    return dataclasses.replace(self, **arrays) if arrays else self

  def is_frictionless(self):
    """Whether energy is conserved."""
    return not np.any(self.friction)

  def vector_field(self, q, p):
    """(dq/dt, dp/dt) = (dH/dp, -dH/dq - friction p) (paper eq. 1).

    Args:
      q: positions, [..., d].
      p: momenta, [..., d].
    """
    velocity, force = self.derivatives(q, p)
    if self.is_frictionless():
      return velocity, force
    return velocity, force - column(self.friction, p) * self.drag(q, p)

  def derivatives(self, q, p):
    """(dH/dp, -dH/dq); by `velocity` and `force` where the energy separates."""
    return self.velocity(p), self.force(q)

  def drag(self, q, p):
    """What friction takes from the momentum in a time unit, over `friction`: p."""
    del q
    return p

  def sample_radius(self, rng, n):
    """n radii, uniform on `radius`: [n]."""
    return rng.uniform(*self.radius, (n, 1))[:, 0]

  def sample_initial(self, rng, n, radius=None):
    """n initial states, placed at uniform angles.

    Args:
      rng: np.random.Generator, or anything with its `uniform` and `standard_normal`.
      n: number of states.
      radius: [n]; drawn by `sample_radius` if not given.

    Returns:
      q, p: [n, d].
    """
    radius = self.sample_radius(rng, n) if radius is None else radius
    return self.place(rng, radius, rng.uniform(0.0, 2.0 * np.pi, (n, 1))[:, 0])

  def place(self, rng, radius, angle):
    """The states at (radius, angle), each [n], in the plane of q and p, with orbit noise: q, p [n, d]."""
    q, p = radius[:, None] * np.cos(angle[:, None]), radius[:, None] * np.sin(angle[:, None])
    return q, p * (1.0 + self.orbit_noise * rng.standard_normal((len(radius), 1)))

  @property
  def ball_radius(self):
    """Radius of the drawn balls, in length units: sqrt(mass) BALL_RADIUS."""
    return BALL_RADIUS * np.sqrt(self.mass)

  def inside(self, q):
    """Whether every ball is wholly on the canvas: [...] for q [..., d]."""
    reach = self.canvas - column(self.ball_radius, q)[..., None]
    return np.all(np.abs(self.positions(q)) <= reach, axis=(-2, -1))


def column(constant, like):
  """A constant that broadcasts against states [n, ..., d]: a number, or [n, 1, ..., 1]."""
  constant = np.asarray(constant)
  if constant.ndim == 0:
    return constant
  return constant.reshape(-1, *[1] * (like.ndim - 1))


def sum_last(x):
  """Sum over the short last axis, kept, in a fixed order: a row never depends on the other rows."""
  total = x[..., :1]
  for i in range(1, x.shape[-1]):
    total = total + x[..., i : i + 1]
  return total


def check_positive(name, value, or_zero=False):
  values = _numbers(name, value)
  if not np.all(np.isfinite(values)) or np.any(values < 0) or (np.any(values == 0) and not or_zero):
    raise ValueError(f"{name} must be {'at least 0' if or_zero else 'positive'} and finite, got {value}.")
  if isinstance(value, (tuple, list)):
    check_range(name, value)


def check_range(name, value, high=np.inf):
  values = _numbers(name, value)
  if values.shape != (2,) or not 0 <= values[0] <= values[1] < high or not np.isfinite(values[1]):
    raise ValueError(f"{name} must be a pair (low, high) with 0 <= low <= high < {high}, got {value}.")


def _numbers(name, value):
  try:
    return np.asarray(value, dtype=np.float64)
  except (TypeError, ValueError):
    raise ValueError(f"{name} must be a number or a pair (low, high), got {value!r}.") from None
