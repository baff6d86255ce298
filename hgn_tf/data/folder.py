"""Films in a folder, as the dataset `video_folder` finds them: when frames are shown, what the first ones show."""

import dataclasses
import pathlib

import numpy as np

_FRAMES = 600  # of a film that are kept, small and grey; of the others only the times


@dataclasses.dataclass(frozen=True, eq=False)
class Film:
  """What was seen of a film.

  Attributes:
    path: of the film.
    count: of its frames.
    rate: frames per second between most of its frames, NaN: not known; even: whether they are equally far apart.
    height, width: of its frames.
    frames: the first of them, small and grey, in [0, 1], [t, h, w].
  """

  path: pathlib.Path
  count: int
  rate: float
  even: bool
  height: int
  width: int
  frames: np.ndarray


def films(folder):
  """Yields the `Film`s of a folder, or in words why one cannot be read; memory does not grow with their length.

  Raises:
    ValueError: the folder holds no films.
    ModuleNotFoundError: a library of the extra `video` is missing.
  """
  from tfds_builders.video_folder import reading, sequences  # slow: TFDS
  reading.require_libraries()
  for path in sequences.find_sequences(folder):
    try:
      yield _film(path)
    except ValueError as error:
      yield str(error)


def square_around(variance, height, width):
  """(top, left, side, side) of the square around what moves in frames, as `crop` "motion" of `video_folder` finds it.

  Args:
    variance: of the pixels of small frames over time, [h, w].
    height, width: of the frames.
  """
  from tfds_builders.video_folder import motion  # slow: TFDS
  return motion.box(variance, height, width)


def _film(path):
  from tfds_builders.video_folder import clips, motion, reading, sequences, timing  # slow: TFDS
  if path.is_dir():
    sequences.check_numbers(sequences.stills(path))
  times, frames, size, stored = [], [], None, None
  for number, (time, now, draw) in enumerate(reading.undrawn(path)):
    if number < _FRAMES or now != stored:
      frame, stored = draw(), now
      size = size or frame.shape[:2]
      clips.check_size(path, number, frame.shape[:2], size)
      frames += [motion.small(frame) / 255.0] if number < _FRAMES else []
    times.append(np.nan if time is None else time)
  if len(frames) < 3:
    raise ValueError(f"{path} has {len(frames)} frames; a motion needs at least 3.")
  times = np.array(times)
  return Film(path, len(times), 1.0 / (np.median(np.diff(times)) or np.nan), timing.is_even(times), *size,
              np.stack(frames))
