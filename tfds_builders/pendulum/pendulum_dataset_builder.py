"""The pendulum dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import trajectories

_PAPER = physics.SYSTEMS["pendulum"]


@dataclasses.dataclass(eq=False, kw_only=True)
class PendulumConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` with the constants of a pendulum.

  Attributes:
    gravity: g.
    mass: m.
    length: l.
    max_angle: null, or the [low, high] of the swing's amplitude in radians; it then takes the place of `radius`.
  """

  observation_noise: float = 0.1
  radius: tuple = _PAPER.radius
  canvas: float = _PAPER.canvas
  gravity: float | tuple = _PAPER.gravity
  mass: float | tuple = _PAPER.mass
  length: float | tuple = _PAPER.length
  max_angle: tuple | None = None

  def system(self, **fields):
    return physics.Pendulum(**fields)


class Builder(trajectories.TrajectoryBuilder):
  """A bob on an invisible rod, H = 2 m g l (1 - cos q) + p^2 / (2 m l^2)."""

  BUILDER_CONFIGS = [
      PendulumConfig(name="full", description="The paper's 50,000 + 10,000 trajectories."),
      # The suite's V is m g l (1 - cos q), half the paper's: half its gravity.
      *trajectories.suite(PendulumConfig, {"mass": (0.5, 1.5), "gravity": (1.5, 2.0), "length": (0.5, 1.0)},
                          gravity=1.5),
      trajectories.control(PendulumConfig, 0.5, radius=(0.5, 1.7)),  # none goes over the top
  ]
