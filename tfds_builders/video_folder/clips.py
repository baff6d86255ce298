"""Clips of fixed length and size out of the frames of a sequence."""

import collections
import dataclasses
import multiprocessing

import numpy as np
import tqdm

from tfds_builders.video_folder import framing, motion, reading, sequences

SMALLEST = 8  # pixels of a side; what is smaller shows nothing


@dataclasses.dataclass(frozen=True)
class Measured:
  """A sequence before it is cut.

  Attributes:
    times: when its frames are shown, in seconds [n], NaN where unknown.
    height, width: of its frames.
    variance: over time, of what a `motion.Small` shows; None: not asked for.
  """

  times: np.ndarray
  height: int
  width: int
  variance: np.ndarray | None = None


def measure(path, moving=False):
  """The `Measured` of a sequence; all of it is decoded, with a bar where somebody waits.

  Args:
    path: video, animated picture or folder of pictures.
    moving: measure the variance of its pixels too.

  Raises:
    ValueError: it cannot be read, its frames change their size, are too small, or one of a number is missing.
  """
  if path.is_dir():
    sequences.check_numbers(sequences.stills(path))
  times, stored, size, seen = [], None, None, motion.Variance()
  for number, (time, now, draw) in enumerate(_watched(path)):
    if stored != now:
      stored, frame = now, draw()
      check_size(path, number, frame.shape[:2], size or frame.shape[:2])
      size = frame.shape[:2]
    if moving and number % motion.EVERY == 0:
      seen.add(motion.small(draw()))
    times.append(time)
  clock = np.nan if None in times else 1.0
  return Measured(np.array([time or 0.0 for time in times]) * clock, *(size or (0, 0)),
                  seen.result() if moving and times else None)


def _watched(path):
  """The frames of a sequence behind a bar; none where another process shows one."""
  if multiprocessing.parent_process() is not None:
    return reading.undrawn(path)
  return tqdm.tqdm(reading.undrawn(path), path.name, reading.length(path), disable=None, leave=False, unit=" frames")


def check_size(path, number, size, first):
  """Raises ValueError, with its name, for a frame that is not of the first one's size, or tiny."""
  name = sequences.stills(path)[number] if path.is_dir() else f"Frame {number} of {path}"
  if size != first:
    raise ValueError(f"{name} has {size[0]}x{size[1]} pixels, those before it {first[0]}x{first[1]}.")
  if min(size) < SMALLEST:
    raise ValueError(f"{name} has {size[0]}x{size[1]} pixels; at least {SMALLEST}x{SMALLEST} are expected.")


def read_clips(path, clips, *, resolution, crop, ground):
  """Yields the clips of a sequence, uint8 [length, S, S, 3]; one pass over its frames.

  Args:
    path: video, animated picture or folder of pictures.
    clips: of each clip the numbers of its frames, ascending; in the order of their first and last frames.
    resolution: S.
    crop: as in `framing.crop_box`.
    ground: as in `reading.frames`.
  """
  waiting, small = collections.deque(clips), {}
  wanted = {number for clip in clips for number in clip}
  for number, (_, _, draw) in enumerate(reading.undrawn(path, ground)):
    if number in wanted:
      small[number] = framing.shrink(draw(), crop, resolution)
    while waiting and waiting[0][-1] == number:
      yield np.stack([small[kept] for kept in waiting.popleft()])
      small = {kept: image for kept, image in small.items() if waiting and kept >= waiting[0][0]}
    if not waiting:
      return
