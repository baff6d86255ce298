"""A clip of one's own as a film that a model can see."""

import itertools
import pathlib

import numpy as np

MAX_SIDE = 4096  # pixels of a frame: what is decoded stays in memory


def read_clip(path, size, *, at_least, at_most):
  """The first frames of a clip, the largest square in their middle: float32 [T, size, size, 3] in [0, 1].

  Args:
    path: video or animated picture, as the dataset `video_folder` reads them.
    size: height and width to get.
    at_least: frames that are needed.
    at_most: frames that are read.

  Raises:
    ValueError: a file that cannot be read, too few frames, frames that are smaller than `size`, larger than MAX_SIDE,
      that change their size, or that are not shown at equal times.
    ModuleNotFoundError: a library of the extra `video` is missing.
  """
  from tfds_builders.video_folder import framing, reading  # slow: TFDS
  reading.require_libraries()
  path = pathlib.Path(path)
  times, frames, shape = [], [], None
  try:
    for time, frame in itertools.islice(reading.frames(path), at_most):
      shape = shape or _checked(frame.shape[:2], size, path.name)
      if frame.shape[:2] != shape:
        raise ValueError(f"{path.name} changes its size from {_pixels(shape)} to {_pixels(frame.shape)} at frame "
                         f"{len(frames)}; one size is expected.")
      times.append(time)
      frames.append(framing.shrink(frame, "square", size))
  except ValueError as error:  # names of files, without the folders that an upload lands in
    raise ValueError(str(error).replace(str(path), path.name)) from None
  if len(frames) < at_least:
    raise ValueError(f"{path.name} must have at least {at_least} frames, got {len(frames)}.")
  _check_times(times, path.name)
  return np.stack(frames).astype(np.float32) / 255.0


def _checked(shape, size, name):
  if min(shape) < size or max(shape) > MAX_SIDE:
    raise ValueError(f"{name} must have frames of {size}x{size} to {MAX_SIDE}x{MAX_SIDE} pixels, got {_pixels(shape)}.")
  return shape


def _check_times(times, name):
  from tfds_builders.video_folder import timing  # slow: TFDS
  if None not in times and not timing.is_even(np.array(times)):
    gaps = np.diff(times)
    raise ValueError(f"{name} must show its frames at equal times, got {gaps.min():.4g} to {gaps.max():.4g} seconds.")


def _pixels(shape):
  return f"{shape[0]}x{shape[1]}"
