"""The double_pendulum dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import trajectories

_DEFAULT = physics.default_spec("double_pendulum")


@dataclasses.dataclass(eq=False, kw_only=True)
class DoublePendulumConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` with the constants of a double pendulum.

  Attributes:
    gravity: g.
    mass: m, of each bob.
    length: l, of each rod.
  """

  radius: tuple = _DEFAULT.system.radius
  canvas: float = _DEFAULT.system.canvas
  gravity: float | tuple = _DEFAULT.system.gravity
  mass: float | tuple = _DEFAULT.system.mass
  length: float | tuple = _DEFAULT.system.length

  def system(self, **fields):
    return physics.DoublePendulum(**fields)


class Builder(trajectories.TrajectoryBuilder):
  """Two bobs, one hanging from the other, on invisible rods; see `physics.DoublePendulum` for H."""

  BUILDER_CONFIGS = [
      DoublePendulumConfig(name="full", description="50,000 + 10,000 trajectories."),
      *trajectories.suite(DoublePendulumConfig, {"radius": (1.0, 2.5), "mass": (0.4, 0.6), "gravity": (2.5, 4.0),
                                                 "length": (0.75, 1.0)}),
  ]
