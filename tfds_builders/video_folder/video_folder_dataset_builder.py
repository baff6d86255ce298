"""The video_folder dataset: your own clips."""

import dataclasses
import zlib

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders import base, records, workers
from tfds_builders.video_folder import clips


@dataclasses.dataclass(eq=False, kw_only=True)
class VideoFolderConfig(base.Config):
  """How clips are cut.

  Attributes:
    num_steps: frames of a clip after the first.
    resolution: height and width of the frames in pixels, a multiple of 8.
    frame_stride: take every n-th frame of a video.
    hop: frames of the video from the start of a clip to that of the next; null: clips follow each other.
    crop: "square", the largest one in the middle; "none", the whole frame, stretched; or [top, left, height, width].
    test_fraction: share of the videos, or of the clips if there is one video, that goes to the test split.
    dt: time between frames of a clip, as the model is to see it.
    seed: of the choice of test videos.
  """

  num_steps: int = 30
  resolution: int = 64
  frame_stride: int = 1
  hop: int | None = None
  crop: str | tuple = "square"
  test_fraction: float = 0.2
  dt: float = 0.125
  seed: int = 0

  def check(self):
    self.check_counts("num_steps", "resolution", "frame_stride", *(["hop"] if self.hop is not None else []))
    if self.resolution % 8:
      raise ValueError(f"resolution must be a multiple of 8, got {self.resolution}.")
    if not 0.0 < self.test_fraction < 1.0:
      raise ValueError(f"test_fraction must be between 0 and 1, got {self.test_fraction!r}.")
    if not self.dt > 0 or not np.isfinite(self.dt):
      raise ValueError(f"dt must be positive and finite, got {self.dt!r}.")
    box = self.crop not in ("square", "none")
    if box and (isinstance(self.crop, str) or len(self.crop) != 4 or min(self.crop) < 0 or min(self.crop[2:]) < 1):
      raise ValueError(f'crop must be "square", "none" or [top, left, height, width], got {self.crop!r}.')

  @property
  def span(self):
    """Frames of the video from the first to the last of a clip, both included."""
    return self.num_steps * self.frame_stride + 1


class Builder(base.Builder):
  """Clips of fixed length and size, cut from the videos in a folder."""

  MANUAL_DOWNLOAD_INSTRUCTIONS = """
  Put videos, or one folder of numbered images per video, into a folder of yours and name it with --manual_dir.
  """
  BUILDER_CONFIGS = [VideoFolderConfig(name="default", description="Clips of 31 frames, 64x64, cut end to end.")]

  def _info(self):
    config = self.builder_config
    size = config.resolution
    return self.info_of({
        "frames": records.PrecompressedTensor(shape=(config.num_steps + 1, size, size, 3), dtype=np.uint8),
        "dt": records.float64(),
        "video": tfds.features.Text(),
        "start": tfds.features.Scalar(np.int64),
    }, homepage="https://arxiv.org/abs/1909.13789")

  def check_sources(self, dl_manager):
    clips.require_libraries()
    self._train, self._test = plan(dl_manager.manual_dir, self.builder_config)

  def _split_generators(self, dl_manager):
    del dl_manager
    return {"train": self._generate_examples(self._train), "test": self._generate_examples(self._test)}

  def _generate_examples(self, sequences):
    config = self.builder_config
    options = {"length": config.num_steps + 1, "stride": config.frame_stride, "resolution": config.resolution,
               "crop": config.crop}
    return self.spread(_block, [(path, starts, config.dt, options) for path, starts in sequences])


def plan(folder, config):
  """Which clips make the train and the test split: two lists of (path, first frames).

  Raises:
    ValueError: nothing to read, a video that cannot be read or is too short, a crop beyond the frames, or a single
      clip.
  """
  paths = clips.find_sequences(folder)
  starts = {}
  for path, (count, height, width) in zip(paths, _measure_all(paths), strict=True):
    if count < config.span:
      raise ValueError(f"{path} has {count} frames; num_steps={config.num_steps} with frame_stride="
                       f"{config.frame_stride} needs at least {config.span}.")
    try:
      clips.crop_box(config.crop, height, width)
    except ValueError as error:
      raise ValueError(f"{path}: {error}") from None
    starts[path] = list(range(0, count - config.span + 1, config.hop or config.span))
  if len(paths) == 1:
    return _split_one(paths[0], starts[paths[0]], config)
  chosen = np.random.default_rng(config.seed).permutation(len(paths))
  test = set(chosen[: min(max(1, round(config.test_fraction * len(paths))), len(paths) - 1)].tolist())
  return tuple([(path, starts[path]) for i, path in enumerate(paths) if (i in test) == of_test]
               for of_test in (False, True))


def _split_one(path, starts, config):
  """The last clips of a single video are the test split; clips that share frames with training are left out."""
  train = starts[: min(len(starts) - 1, round((1.0 - config.test_fraction) * len(starts)))]
  test = [start for start in starts if train and start >= train[-1] + config.span]
  if not train or not test:
    raise ValueError(f"{path} gives {len(starts)} clips of {config.span} frames, too few for a train and a test split; "
                     "add videos or lower num_steps.")
  return [(path, train)], [(path, test)]


def _measure_all(paths):
  return workers.ordered_map(clips.measure, [(path,) for path in paths], workers.worker_count())


def _block(path, starts, dt, options):
  """The (key, example) pairs of one video's clips."""
  name = path.name
  return [(f"{name}:{start}", {"frames": zlib.compress(clip), "dt": dt, "video": name, "start": start})
          for start, clip in zip(starts, clips.read_clips(path, starts, **options), strict=True)]
