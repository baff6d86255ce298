"""The rock_paper_scissors dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import trajectories

_DEFAULT = physics.default_spec("rock_paper_scissors")


@dataclasses.dataclass(eq=False, kw_only=True)
class RockPaperScissorsConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` of a game; its `radius`, `canvas` and `orbit_noise` are not used."""

  dt: float = _DEFAULT.dt
  radius: tuple = _DEFAULT.system.radius

  def system(self, **fields):
    return physics.RockPaperScissors(**fields)


class Builder(trajectories.TrajectoryBuilder):
  """Two players who learn rock paper scissors: replicator dynamics; see `physics.RockPaperScissors` for H."""

  BUILDER_CONFIGS = [
      RockPaperScissorsConfig(name="full", description="50,000 + 10,000 trajectories."),
      RockPaperScissorsConfig(
          name="suite", description="As in the suite of Botev et al. 2021.", **{**trajectories.SUITE, "dt": 0.1}),
  ]
