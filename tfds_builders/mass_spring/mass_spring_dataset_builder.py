"""The mass_spring dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import trajectories

_PAPER = physics.SYSTEMS["mass_spring"]


@dataclasses.dataclass(eq=False, kw_only=True)
class MassSpringConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` with the constants of a mass on a spring.

  Attributes:
    stiffness: k.
    mass: m.
  """

  observation_noise: float = 0.1
  radius: tuple = _PAPER.radius
  canvas: float = _PAPER.canvas
  stiffness: float | tuple = _PAPER.stiffness
  mass: float | tuple = _PAPER.mass

  def system(self, **fields):
    return physics.MassSpring(**fields)


class Builder(trajectories.TrajectoryBuilder):
  """A ball on an invisible spring, H = k q^2 / 2 + p^2 / (2 m)."""

  BUILDER_CONFIGS = [
      MassSpringConfig(name="full", description="The paper's 50,000 + 10,000 trajectories."),
      *trajectories.suite(MassSpringConfig, {"mass": (0.2, 1.0)}),
      trajectories.control(MassSpringConfig, 1.0),
  ]
