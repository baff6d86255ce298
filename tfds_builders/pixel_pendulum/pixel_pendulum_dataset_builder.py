"""The pixel_pendulum dataset: gymnasium's pendulum as small grey images."""

import dataclasses
import zlib

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders import base, records
from tfds_builders.pixel_pendulum import clips

_BLOCK = 8


@dataclasses.dataclass(eq=False, kw_only=True)
class PixelPendulumConfig(base.Config):
  """The clips of Greydanus et al. (2019), section 5, unless set otherwise.

  Attributes:
    num_train: clips of the train split.
    num_test: clips of the test split.
    num_steps: frames after the first.
    resolution: height and width of the frames in pixels, at most 170.
    max_angle: largest initial angle from hanging down, in radians, at most pi.
    seed: of the whole dataset, in [0, 2^32).
  """

  num_train: int = 160
  num_test: int = 40
  num_steps: int = 102
  resolution: int = 28
  max_angle: float = np.pi / 6
  seed: int = 0

  def check(self):
    self.check_counts("num_train", "num_test", "num_steps", "resolution")
    if self.resolution > clips.CROP:
      raise ValueError(f"resolution must be at most {clips.CROP}, got {self.resolution}.")
    if not 0.0 < self.max_angle <= np.pi:
      raise ValueError(f"max_angle must be positive and at most pi, got {self.max_angle!r}.")
    if not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
      raise ValueError(f"seed must be an integer in [0, 2^32), got {self.seed!r}.")


class Builder(base.Builder):
  """A freely swinging rod, bright on black."""

  FRESH_WORKERS = True  # SDL draws in them
  VERSION = tfds.core.Version("2.0.0")
  RELEASE_NOTES = {
      "1.0.0": "First release.",
      "2.0.0": "Frames shrunk by Pillow's bilinear filter, as in the experiment, instead of averaged over blocks.",
  }
  BUILDER_CONFIGS = [PixelPendulumConfig(name="full", description="Greydanus et al. (2019): 200 clips of 28x28.")]

  def _info(self):
    config = self.builder_config
    frames, size = config.num_steps + 1, config.resolution
    return self.info_of({
        "frames": records.PrecompressedTensor(shape=(frames, size, size, 1), dtype=np.uint8),
        "q": records.float64(frames, 1),
        "p": records.float64(frames, 1),
        "energy": records.float64(frames),
        "dt": records.float64(),
    }, homepage="https://gymnasium.farama.org/environments/classic_control/pendulum/")

  def check_sources(self, dl_manager):
    del dl_manager
    clips.require_gymnasium()

  def _generate_examples(self, split, count):
    config = self.builder_config
    options = {name: getattr(config, name) for name in ("seed", "num_steps", "resolution", "max_angle")}
    return self.spread(_block, [(options, split, *bounds) for bounds in base.blocks(count, _BLOCK)], count)


def _block(options, split, start, stop):
  """The (key, example) pairs of clips [start, stop)."""
  made = clips.make_clips(split, range(start, stop), **options)
  frames = [zlib.compress(clip) for clip in made.pop("frames")]
  return [(start + i, {"frames": frames[i], "dt": clips.DT, **{name: values[i] for name, values in made.items()}})
          for i in range(stop - start)]
