"""The henon_heiles dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import trajectories

_DEFAULT = physics.default_spec("henon_heiles")


@dataclasses.dataclass(eq=False, kw_only=True)
class HenonHeilesConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` with the constants of Henon and Heiles' star.

  Attributes:
    mass: m.
    coupling: c.
  """

  dt: float = _DEFAULT.dt
  radius: tuple = _DEFAULT.system.radius
  mass: float | tuple = _DEFAULT.system.mass
  coupling: float | tuple = _DEFAULT.system.coupling

  def system(self, **fields):
    return physics.HenonHeiles(**fields)


class Builder(trajectories.TrajectoryBuilder):
  """A star near the middle of a galaxy, H = |p|^2 / (2 m) + (x^2 + y^2) / 2 + c (x^2 y - y^3 / 3)."""

  BUILDER_CONFIGS = [HenonHeilesConfig(name="full", description="50,000 + 10,000 trajectories.")]
