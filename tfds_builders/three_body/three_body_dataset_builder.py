"""The three_body dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import n_body, trajectories

_PAPER = physics.SYSTEMS["three_body"]


@dataclasses.dataclass(eq=False, kw_only=True)
class ThreeBodyConfig(n_body.NBodyConfig):
  """`NBodyConfig` of three bodies."""

  radius: tuple = _PAPER.radius
  orbit_noise: float = _PAPER.orbit_noise
  canvas: float = _PAPER.canvas

  def system(self, **fields):
    return physics.NBody(bodies=_PAPER.bodies, **fields)


class Builder(trajectories.TrajectoryBuilder):
  """Three balls under gravity, H = sum_i p_i^2 / (2 m) - sum_{i<j} g m^2 / |q_j - q_i|."""

  BUILDER_CONFIGS = [
      ThreeBodyConfig(name="full", description="The paper's 50,000 + 10,000 trajectories."),
      ThreeBodyConfig(name="suite", description="Drawn and timed as the suite of Botev et al. 2021, which has no three "
                      "bodies.", **{**trajectories.SUITE, "canvas": 2.75}),
  ]
