"""The charged_particle dataset."""

import dataclasses

from hgn_tf import physics
from tfds_builders import trajectories

_DEFAULT = physics.default_spec("charged_particle")


@dataclasses.dataclass(eq=False, kw_only=True)
class ChargedParticleConfig(trajectories.TrajectoryConfig):
  """`TrajectoryConfig` with the constants of a charge in a trap and a magnetic field.

  Attributes:
    mass: m.
    field: b, charge times field strength.
    stiffness: k of the trap.
  """

  dt: float = _DEFAULT.dt
  radius: tuple = _DEFAULT.system.radius
  mass: float | tuple = _DEFAULT.system.mass
  field: float | tuple = _DEFAULT.system.field
  stiffness: float | tuple = _DEFAULT.system.stiffness

  def system(self, **fields):
    return physics.ChargedParticle(**fields)


class Builder(trajectories.TrajectoryBuilder):
  """A charge in a trap and a magnetic field, H = |p - (b / 2)(-y, x)|^2 / (2 m) + k (x^2 + y^2) / 2."""

  BUILDER_CONFIGS = [ChargedParticleConfig(name="full", description="50,000 + 10,000 trajectories.")]
