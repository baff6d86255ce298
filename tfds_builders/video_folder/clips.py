"""Clips of fixed length and size out of the frames of a sequence."""

import collections
import dataclasses

import numpy as np

from tfds_builders.video_folder import framing, reading, sequences


@dataclasses.dataclass(frozen=True)
class Measured:
  """A sequence before it is cut: when its frames are shown, in seconds [n], NaN where unknown; their size."""

  times: np.ndarray
  height: int
  width: int


def measure(path):
  """The `Measured` of a sequence; all of it is decoded.

  Raises:
    ValueError: it cannot be read, or its frames change their size.
  """
  times, size = [], None
  for number, (time, frame) in enumerate(reading.frames(path)):
    size = size or frame.shape[:2]
    if frame.shape[:2] != size:
      name = sequences.stills(path)[number] if path.is_dir() else f"Frame {number} of {path}"
      raise ValueError(f"{name} has {frame.shape[0]}x{frame.shape[1]} pixels, those before it {size[0]}x{size[1]}.")
    times.append(time)
  clock = np.nan if None in times else 1.0
  return Measured(np.array([time or 0.0 for time in times]) * clock, *(size or (0, 0)))


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
  for number, (_, frame) in enumerate(reading.frames(path, ground)):
    if number in wanted:
      small[number] = framing.shrink(frame, crop, resolution)
    while waiting and waiting[0][-1] == number:
      yield np.stack([small[kept] for kept in waiting.popleft()])
      small = {kept: image for kept, image in small.items() if waiting and kept >= waiting[0][0]}
    if not waiting:
      return
