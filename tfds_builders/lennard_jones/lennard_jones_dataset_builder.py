"""The lennard_jones dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import trajectories

_DEFAULT = physics.default_spec("lennard_jones")


@dataclasses.dataclass(eq=False, kw_only=True)
class LennardJonesConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` of a fluid; `radius` is not used, `canvas` is half the box and follows from the density.

  Attributes:
    bodies: how many; a square number.
    density: particles on a unit area.
    temperature: of the first momenta.
    strength: e, depth of the pair potential.
    mass: m, of each.
  """

  dt: float = _DEFAULT.dt
  radius: tuple = _DEFAULT.system.radius
  canvas: float | None = None
  bodies: int = _DEFAULT.system.bodies
  density: float = _DEFAULT.system.density
  temperature: float = _DEFAULT.system.temperature
  strength: float | tuple = _DEFAULT.system.strength
  mass: float | tuple = _DEFAULT.system.mass

  def system(self, **fields):
    return physics.LennardJones(**fields)


class Builder(trajectories.TrajectoryBuilder):
  """Particles of a fluid in a periodic box; see `physics.LennardJones` for H."""

  BUILDER_CONFIGS = [
      LennardJonesConfig(name="full", description="50,000 + 10,000 trajectories."),
      LennardJonesConfig(name="lj_4", description="4 particles of a gas, as in the suite of Botev et al. 2021.",
                         **trajectories.SUITE),
      LennardJonesConfig(name="lj_16", description="16 particles of a liquid, as in the suite of Botev et al. 2021.",
                         bodies=16, density=0.77, temperature=0.5, **trajectories.SUITE),
  ]
