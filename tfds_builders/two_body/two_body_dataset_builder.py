"""The two_body dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import n_body, trajectories

_PAPER = physics.SYSTEMS["two_body"]


@dataclasses.dataclass(eq=False, kw_only=True)
class TwoBodyConfig(n_body.NBodyConfig):
  """`NBodyConfig` of two bodies."""

  radius: tuple = _PAPER.radius
  orbit_noise: float = _PAPER.orbit_noise
  canvas: float = _PAPER.canvas

  def system(self, **fields):
    return physics.NBody(bodies=_PAPER.bodies, **fields)


class Builder(trajectories.TrajectoryBuilder):
  """Two balls under gravity, H = sum_i p_i^2 / (2 m) - sum_{i<j} g m^2 / |q_j - q_i|."""

  BUILDER_CONFIGS = [
      TwoBodyConfig(name="full", description="The paper's 50,000 + 10,000 trajectories."),
      *trajectories.suite(TwoBodyConfig, {"mass": (0.5, 1.5), "gravity": (0.5, 1.5), "canvas": 5.0}, canvas=2.75),
  ]
