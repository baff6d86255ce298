"""What the datasets of simulated and drawn trajectories share."""

import dataclasses
import zlib
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from hgn_tf import physics
from tfds_builders import base, records

ZLIB_LEVEL = 2  # twice as fast as the default 6, and the files are no larger
_BLOCK, _CHUNK = 512, 16  # trajectories simulated at once, and drawn at once


@dataclasses.dataclass(eq=False, kw_only=True)
class TrajectoryConfig(base.Config):
  """Fields that every dataset of simulated trajectories has; subclasses add those of their system.

  A physical constant is a number, or a pair [low, high] from which one value per trajectory is drawn and stored.

  Attributes:
    num_train: examples of the train split.
    num_test: examples of the test split.
    num_steps: frames after the first.
    dt: time between frames.
    resolution: height and width of the frames in pixels, a multiple of 8.
    observation_noise: standard deviation of the noise on each coordinate of q and p, in every frame.
    orbit_noise: relative perturbation of the initial momenta.
    friction: rate of dp/dt = -dH/dq - friction p, in 1/time.
    radius: [low, high] of the uniform law of the initial state's radius.
    canvas: half the width of the drawn square, in length units.
    colors: null for evenly spread hues, "random" for hues drawn per trajectory, or an RGB triple in 0..255 per body.
    control: half the width of the uniform law of a force on each coordinate, dp/dt + u, stored as `controls`; 0: none.
    control_hold: steps that a force stays as it was drawn.
    seed: of the whole dataset, in [0, 2^32).
  """

  YOUNGER: ClassVar[tuple] = ("control", "control_hold")

  num_train: int = 50_000
  num_test: int = 10_000
  num_steps: int = 30
  dt: float = 0.125
  resolution: int = 64
  observation_noise: float = 0.0
  orbit_noise: float = 0.0
  friction: float | tuple = 0.0
  radius: tuple = (0.1, 1.0)
  canvas: float = 1.5
  colors: str | tuple | None = None
  control: float = 0.0
  control_hold: int = 5
  seed: int = 0

  def check(self):
    self.check_counts("num_train", "num_test")
    self.spec()

  def system(self, **fields):
    """The physical system with the given values of its fields; each dataset says which."""
    raise NotImplementedError

  def spec(self):
    """The dataset as `hgn_tf.physics` describes it.

    Raises:
      ValueError: a field out of its range.
    """
    fields = self.fields()
    spec_names = [field.name for field in dataclasses.fields(physics.Spec) if field.name != "system"]
    spec_fields = {name: fields.pop(name) for name in spec_names}
    del fields["num_train"], fields["num_test"]
    return physics.Spec(system=self.system(**fields), **spec_fields)


SUITE = {"num_test": 20_000, "num_steps": 255, "dt": 0.05, "resolution": 32, "observation_noise": 0.0}


def suite(config, varied, **fields):
  """The configurations after the suite of Botev et al. 2021: films of 256 frames of 32x32 pixels, 0.05 apart.

  Args:
    config: subclass of `TrajectoryConfig`.
    varied: fields of the one whose constants and colours are drawn per trajectory.
    **fields: of all of them.

  Returns:
    `suite`, `suite_colors` and `suite_friction`, whose friction is 0.05.
  """
  made = {
      "suite": ("As in the suite of Botev et al. 2021.", {}),
      "suite_colors": ("The same with random colours and constants.", {"colors": "random", **varied}),
      "suite_friction": ("The same with friction 0.05.", {"friction": 0.05}),
  }
  return [config(name=name, description=description, **{**SUITE, **fields, **own})
          for name, (description, own) in made.items()]


def control(config, strength, **fields):
  """The configuration `control` of a system: a random force on each coordinate, new in every fifth frame.

  Args:
    config: subclass of `TrajectoryConfig`.
    strength: half the width of the uniform law of the force.
    **fields: others of it.
  """
  return config(name="control", description="With a random force, constant over five frames at a time.",
                control=strength, **fields)


class TrajectoryBuilder(base.Builder, skip_registration=True):
  """Builds numbered examples: example i of a split depends on (seed, split, i) only."""

  def _info(self):
    spec = self.builder_config.spec()
    frames, size, d = spec.num_steps + 1, spec.resolution, spec.system.dimension
    return self.info_of({
        "frames": records.PrecompressedTensor(shape=(frames, size, size, 3), dtype=np.uint8),
        **{name: records.float64(frames, d) for name in ("q", "p", "noisy_q", "noisy_p")},
        "energy": records.float64(frames),
        "dt": records.float64(),
        "colors": tfds.features.Tensor(shape=(spec.system.bodies, 3), dtype=np.uint8, encoding="bytes"),
        "constants": {name: records.float64() for name in spec.system.constants},
        **({"controls": records.float64(spec.num_steps, d)} if spec.control else {}),
    }, homepage="https://arxiv.org/abs/1909.13789")

  def _generate_examples(self, split, count):
    spec = self.builder_config.spec()
    return self.spread(compressed_block, [(spec, split, *bounds) for bounds in base.blocks(count, _BLOCK)], count)


def compressed_block(spec, split, start, stop):
  """The (key, example) pairs of examples [start, stop), frames compressed: what one worker makes of one task."""
  block = []
  for chunk in physics.example_chunks(spec, split, range(start, stop), chunk=_CHUNK):
    frames, constants = chunk.pop("frames"), chunk.pop("constants")
    for i in range(len(frames)):
      block.append((start + len(block), {
          "frames": zlib.compress(frames[i], ZLIB_LEVEL),
          **{name: values[i] for name, values in chunk.items()},
          "constants": {name: values[i] for name, values in constants.items()},
      }))
  return block
