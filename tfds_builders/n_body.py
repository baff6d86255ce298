"""What the two_body and three_body datasets share."""

import dataclasses

from tfds_builders import trajectories


@dataclasses.dataclass(eq=False, kw_only=True)
class NBodyConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` with the constants of equal masses under gravity.

  Attributes:
    gravity: g.
    mass: m, of every body.
  """

  gravity: float | tuple = 1.0
  mass: float | tuple = 1.0
