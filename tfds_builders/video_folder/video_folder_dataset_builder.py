"""The video_folder dataset: your own clips."""

import dataclasses
import pathlib
import zlib

import numpy as np
import tensorflow_datasets as tfds
import tqdm

from tfds_builders import base, records, workers
from tfds_builders.video_folder import clips, framing, motion, reading, sequences, timing

_AT_ONCE = 1 << 28  # bytes of a film's clips, before they are compressed, that a worker may keep


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
    crop: "square", the largest one in the middle; "motion", the one around what moves in all films of that size;
      "none", the whole frame, stretched; or [top, left, height, width].
    ground: RGB colour in 0..255 that is seen through what is transparent.
    test_fraction: share of the videos, or of the clips if there is one video, that goes to the test split.
    dt: time between frames of a clip, as the model is to see it.
    seed: of the choice of test videos.
    skip_unreadable: leave out what cannot be read, or is too short for a clip, and say so; False: such a film ends the
      build.
  """

  YOUNGER = ("skip_unreadable",)

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
  skip_unreadable: bool = False

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
    if not isinstance(self.skip_unreadable, bool):
      raise ValueError(f"skip_unreadable must be true or false, got {self.skip_unreadable!r}.")
    if self.crop not in ("square", "motion", "none") and not (_are_integers(self.crop, 4) and min(self.crop[2:]) > 0):
      raise ValueError(f'crop must be "square", "motion", "none" or [top, left, height, width], got {self.crop!r}.')

  @property
  def span(self):
    """Frames, of those that `fps` leaves, from the first to the last of a clip, both included."""
    return self.num_steps * self.frame_stride + 1


class Builder(base.Builder):
  """Clips of fixed length and size, cut from the videos in a folder."""

  FRESH_WORKERS = True  # a decoder that was used before a fork may wait in the child for ever
  VERSION = tfds.core.Version("2.1.0")
  RELEASE_NOTES = {
      "1.0.0": "First release.",
      "2.0.0": "Upright frames in natural order, transparency on a stated ground, every mode of colour, animated "
               "pictures and TIFF stacks as films; one time between frames, its seconds stored.",
      "2.1.0": "The part of the frames that is kept, `crop`, which may be found from what moves; films that pause are "
               "cut there; `skip_unreadable`; missing pictures of a sequence end the build.",
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
        "crop": tfds.features.Tensor(shape=(4,), dtype=np.int64),
    }, homepage="https://arxiv.org/abs/1909.13789")

  def check_sources(self, dl_manager):
    reading.require_libraries()
    self._train, self._test = plan(dl_manager.manual_dir, self.builder_config)

  def _split_generators(self, dl_manager):
    del dl_manager
    return {"train": self._generate_examples(self._train), "test": self._generate_examples(self._test)}

  def _generate_examples(self, films):
    config = self.builder_config
    options = {"resolution": config.resolution, "ground": config.ground}
    return self.spread(_block, [(film, config.dt, options) for film in films],
                       sum(len(film.clips) for film in films), streams=_is_long(films, config))


def _is_long(films, config):
  """Whether the clips of a film are too many to wait in a worker's memory."""
  of_a_clip = (config.num_steps + 1) * config.resolution ** 2 * 3
  return max((len(film.clips) for film in films), default=0) * of_a_clip > _AT_ONCE


@dataclasses.dataclass(frozen=True)
class Film:
  """A sequence and the clips that are cut from it.

  Attributes:
    path: of the sequence.
    clips: the numbers of each clip's frames.
    seconds: between frames of a clip; NaN: not known.
    crop: (top, left, height, width) of what is kept of a frame.
  """

  path: pathlib.Path
  clips: list
  seconds: float
  crop: tuple


def plan(folder, config):
  """Which clips make the train and the test split: two lists of `Film`s.

  Raises:
    ValueError: nothing to read, films that cannot be used, a line each (see `VideoFolderConfig.skip_unreadable`),
      frames that change their rate, or a single clip.
  """
  measured = _measure_all(sequences.find_sequences(folder), config.crop == "motion")
  read = {path: found for path, found in measured.items() if isinstance(found, clips.Measured)}
  if config.fps is None and read:
    timing.check_agreement({path.name: found.times for path, found in read.items()})
  boxes = _boxes(read) if config.crop == "motion" else {}
  cut = {path: _cut(path, found, config, boxes) for path, found in measured.items()}
  films = [film for film in cut.values() if isinstance(film, Film)]
  _report([problem for problem in cut.values() if not isinstance(problem, Film)], len(cut), config.skip_unreadable)
  if len(films) == 1:
    return _split_one(films[0], config)
  chosen = np.random.default_rng(config.seed).permutation(len(films))
  test = set(chosen[: min(max(1, round(config.test_fraction * len(films))), len(films) - 1)].tolist())
  return tuple([film for i, film in enumerate(films) if (i in test) == of_test] for of_test in (False, True))


def _report(problems, count, skip):
  """Raises ValueError for films that cannot be used, or prints them, a line each.

  Raises:
    ValueError: there are some that may not be skipped, or no others.
  """
  if not problems:
    return
  lines = "\n  ".join([f"{len(problems)} of {count} films cannot be used:", *problems])
  if not skip:
    raise ValueError(f"{lines}\nskip_unreadable=true builds without them.")
  if len(problems) == count:
    raise ValueError(lines)
  print(f"{lines}\nskip_unreadable: going on without them.", flush=True)


def _boxes(measured):
  """(height, width) -> the square around what moves in all films of that size."""
  sizes = {(found.height, found.width) for found in measured.values()}
  return {size: motion.box(np.mean([found.variance for found in measured.values()
                                    if (found.height, found.width) == size], axis=0), *size) for size in sizes}


def _cut(path, measured, config, boxes):
  """The Film of all clips of a sequence, or in words why there is none."""
  if isinstance(measured, str):
    return measured
  try:
    crop = boxes.get((measured.height, measured.width), config.crop)
    box = framing.crop_box(crop, measured.height, measured.width)
    runs, seconds = timing.pick(measured.times, config.fps)
  except ValueError as error:
    return f"{path}: {error}"
  found = [run[start : start + config.span : config.frame_stride].tolist() for run in runs
           for start in range(0, len(run) - config.span + 1, config.hop or config.span)]
  if not found:
    longest = max(map(len, runs))
    return (f"{path} has {longest} frames{f' at fps={config.fps:g}' if config.fps else ''}"
            f"{' without a pause' if len(runs) > 1 else ''}; num_steps={config.num_steps} with frame_stride="
            f"{config.frame_stride} needs at least {config.span}.")
  return Film(path, found, float(seconds * config.frame_stride), box)


def _split_one(film, config):
  """The last clips of a single video are the test split; clips that share frames with training are left out."""
  train = film.clips[: min(len(film.clips) - 1, round((1.0 - config.test_fraction) * len(film.clips)))]
  test = [clip for clip in film.clips if train and clip[0] > train[-1][-1]]
  if not train or not test:
    raise ValueError(f"{film.path} gives {len(film.clips)} clips of {config.span} frames, too few for a train and a "
                     "test split; add videos or lower num_steps.")
  return [dataclasses.replace(film, clips=train)], [dataclasses.replace(film, clips=test)]


def _measure_all(paths, moving):
  """Path -> its `clips.Measured`, or in words why there is none."""
  found = workers.ordered_map(_measure, [(path, moving) for path in paths], min(workers.worker_count(), len(paths)),
                              fresh=Builder.FRESH_WORKERS)
  return dict(zip(paths, tqdm.tqdm(found, "Films", len(paths), disable=None, leave=False), strict=True))


def _measure(path, moving):
  try:
    return clips.measure(path, moving)
  except ValueError as error:
    return str(error)


def _block(film, dt, options):
  """Yields the (key, example) pairs of one video's clips."""
  name = film.path.name
  frames = clips.read_clips(film.path, film.clips, crop=film.crop, **options)
  for clip, frame in zip(film.clips, frames, strict=True):
    yield f"{name}:{clip[0]}", {"frames": zlib.compress(frame), "dt": dt, "seconds": film.seconds, "video": name,
                                "start": clip[0], "crop": film.crop}
