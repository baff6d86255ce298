"""The matching_pennies dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import trajectories

_DEFAULT = physics.default_spec("matching_pennies")


@dataclasses.dataclass(eq=False, kw_only=True)
class MatchingPenniesConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` of a game; its `radius`, `canvas` and `orbit_noise` are not used."""

  dt: float = _DEFAULT.dt
  radius: tuple = _DEFAULT.system.radius

  def system(self, **fields):
    return physics.MatchingPennies(**fields)


class Builder(trajectories.TrajectoryBuilder):
  """Two players who learn matching pennies: replicator dynamics; see `physics.MatchingPennies` for H."""

  BUILDER_CONFIGS = [
      MatchingPenniesConfig(name="full", description="50,000 + 10,000 trajectories."),
      MatchingPenniesConfig(
          name="suite", description="As in the suite of Botev et al. 2021.", **{**trajectories.SUITE, "dt": 0.1}),
  ]
