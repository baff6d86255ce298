"""A dataset and a model small enough for tests: real TFDS records, a real HGN."""

import functools
import tempfile

from hgn_tf.models import HGNConfig

FRAMES, SIZE = 5, 16
DATASET = "mass_spring/tiny"
FIELDS = dict(num_frames=FRAMES, size=SIZE, encoder=[[8, 2, 2], [8, 2, 2], [8, 2, 2]], transform=[[8, 3, 1]],
              energy=[[8, 2, 2], [1, 1, 1]], decoder_filters=8, frames_per_step=2, horizon_steps=2, kl_warmup=[5, 10],
              batch_size=4, steps=20)


def config(**changes):
  """A small HGNConfig."""
  return HGNConfig.from_dict({**FIELDS, **changes})


@functools.cache
def data_dir():
  """A folder with a built `DATASET`, one per process."""
  from tfds_builders import mass_spring
  folder = tempfile.mkdtemp()
  small = mass_spring.MassSpringConfig(
      name="tiny", num_train=24, num_test=6, num_steps=FRAMES - 1, resolution=2 * SIZE)
  mass_spring.Builder(config=small, data_dir=folder).download_and_prepare()
  return folder
