"""The video_folder dataset: your own clips."""

import dataclasses
import pathlib
import zlib

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders import base, records, workers
from tfds_builders.video_folder import clips, framing, reading, sequences, timing


def _are_integers(value, count):
  """Whether a field holds so many integers of at least 0."""
  return isinstance(value, tuple) and len(value) == count and all(isinstance(item, int) and item >= 0 for item in value)


@dataclasses.dataclass(eq=False, kw_only=True)
class VideoFolderConfig(base.Config):
  """How clips are cut.

  Attributes:
    num_steps: frames of a clip after the first.
    resolution: height and width of the frames in pixels, a multiple of 8.
    fps: frames per second; of a video with more the nearest in time are taken, and what tells no time, a folder of
      pictures or a TIFF stack, is taken to have as many. null: as the videos have them, which must then be the same.
    frame_stride: take every n-th of these frames.
    hop: such frames from the start of a clip to that of the next; null: clips follow each other.
    crop: "square", the largest one in the middle; "none", the whole frame, stretched; or [top, left, height, width].
    ground: RGB colour in 0..255 that is seen through what is transparent.
    test_fraction: share of the videos, or of the clips if there is one video, that goes to the test split.
    dt: time between frames of a clip, as the model is to see it.
    seed: of the choice of test videos.
  """

  num_steps: int = 30
  resolution: int = 64
  fps: float | None = None
  frame_stride: int = 1
  hop: int | None = None
  crop: str | tuple = "square"
  ground: tuple = (0, 0, 0)
  test_fraction: float = 0.2
  dt: float = 0.125
  seed: int = 0

  def check(self):
    self.check_counts("num_steps", "resolution", "frame_stride", *(["hop"] if self.hop is not None else []))
    if self.resolution % 8:
      raise ValueError(f"resolution must be a multiple of 8, got {self.resolution}.")
    if not isinstance(self.test_fraction, float) or not 0.0 < self.test_fraction < 1.0:
      raise ValueError(f"test_fraction must be between 0 and 1, got {self.test_fraction!r}.")
    for name in ("dt", *(["fps"] if self.fps is not None else [])):
      value = getattr(self, name)
      if not isinstance(value, (int, float)) or not 0.0 < value < np.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r}.")
    if not _are_integers(self.ground, 3) or max(self.ground) > 255:
      raise ValueError(f"ground must be a colour [red, green, blue] of integers in 0..255, got {self.ground!r}.")
    if self.crop not in ("square", "none") and not (_are_integers(self.crop, 4) and min(self.crop[2:]) > 0):
      raise ValueError(f'crop must be "square", "none" or [top, left, height, width], got {self.crop!r}.')

  @property
  def span(self):
    """Frames, of those that `fps` leaves, from the first to the last of a clip, both included."""
    return self.num_steps * self.frame_stride + 1


class Builder(base.Builder):
  """Clips of fixed length and size, cut from the videos in a folder."""

  FRESH_WORKERS = True  # a decoder that was used before a fork may wait in the child for ever
  VERSION = tfds.core.Version("2.0.0")
  RELEASE_NOTES = {
      "1.0.0": "First release.",
      "2.0.0": "Upright frames in natural order, transparency on a stated ground, every mode of colour, animated "
               "pictures and TIFF stacks as films; one time between frames, its seconds stored.",
  }
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
        "seconds": records.float64(),
        "video": tfds.features.Text(),
        "start": tfds.features.Scalar(np.int64),
    }, homepage="https://arxiv.org/abs/1909.13789")

  def check_sources(self, dl_manager):
    reading.require_libraries()
    self._train, self._test = plan(dl_manager.manual_dir, self.builder_config)

  def _split_generators(self, dl_manager):
    del dl_manager
    return {"train": self._generate_examples(self._train), "test": self._generate_examples(self._test)}

  def _generate_examples(self, films):
    config = self.builder_config
    options = {"resolution": config.resolution, "crop": config.crop, "ground": config.ground}
    return self.spread(_block, [(film, config.dt, options) for film in films],
                       sum(len(film.clips) for film in films))


@dataclasses.dataclass(frozen=True)
class Film:
  """A sequence and the clips that are cut from it.

  Attributes:
    path: of the sequence.
    clips: the numbers of each clip's frames.
    seconds: between frames of a clip; NaN: not known.
  """

  path: pathlib.Path
  clips: list
  seconds: float


def plan(folder, config):
  """Which clips make the train and the test split: two lists of `Film`s.

  Raises:
    ValueError: nothing to read, a video that cannot be read or is too short, frames that change their size or their
      rate, a crop beyond the frames, or a single clip.
  """
  paths = sequences.find_sequences(folder)
  measured = dict(zip(paths, _measure_all(paths), strict=True))
  if config.fps is None:
    timing.check_agreement({path.name: found.times for path, found in measured.items()})
  films = [_cut(path, found, config) for path, found in measured.items()]
  if len(films) == 1:
    return _split_one(films[0], config)
  chosen = np.random.default_rng(config.seed).permutation(len(films))
  test = set(chosen[: min(max(1, round(config.test_fraction * len(films))), len(films) - 1)].tolist())
  return tuple([film for i, film in enumerate(films) if (i in test) == of_test] for of_test in (False, True))


def _cut(path, measured, config):
  """The Film of all clips of a sequence."""
  try:
    framing.crop_box(config.crop, measured.height, measured.width)
    numbers, seconds = timing.pick(measured.times, config.fps)
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from None
  if len(numbers) < config.span:
    raise ValueError(f"{path} has {len(numbers)} frames{f' at fps={config.fps:g}' if config.fps else ''}; num_steps="
                     f"{config.num_steps} with frame_stride={config.frame_stride} needs at least {config.span}.")
  starts = range(0, len(numbers) - config.span + 1, config.hop or config.span)
  return Film(path, [numbers[start : start + config.span : config.frame_stride].tolist() for start in starts],
              float(seconds * config.frame_stride))


def _split_one(film, config):
  """The last clips of a single video are the test split; clips that share frames with training are left out."""
  train = film.clips[: min(len(film.clips) - 1, round((1.0 - config.test_fraction) * len(film.clips)))]
  test = [clip for clip in film.clips if train and clip[0] > train[-1][-1]]
  if not train or not test:
    raise ValueError(f"{film.path} gives {len(film.clips)} clips of {config.span} frames, too few for a train and a "
                     "test split; add videos or lower num_steps.")
  return [dataclasses.replace(film, clips=train)], [dataclasses.replace(film, clips=test)]


def _measure_all(paths):
  return workers.ordered_map(clips.measure, [(path,) for path in paths], min(workers.worker_count(), len(paths)),
                             fresh=Builder.FRESH_WORKERS)


def _block(film, dt, options):
  """The (key, example) pairs of one video's clips."""
  name = film.path.name
  return [(f"{name}:{clip[0]}", {"frames": zlib.compress(frames), "dt": dt, "seconds": film.seconds, "video": name,
                                 "start": clip[0]})
          for clip, frames in zip(film.clips, clips.read_clips(film.path, film.clips, **options), strict=True)]
