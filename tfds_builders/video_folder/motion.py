"""Where something moves: the variance over time of the pixels of small grey frames."""

import numpy as np

EVERY = 3  # frames, of which one is looked at
SIDE = 160  # longest side of the small frames, in pixels
_OUTSIDE = 0.005  # share of the variance that the box around the motion leaves out on each of its sides
_STILL = 4.0  # times the median variance of all pixels, below which one counts as still
_MARGIN = 0.15  # of the side of the box, around it


def small(frame):
  """A frame [H, W, 3] in grey, float32, its longest side at most SIDE."""
  from PIL import Image
  image = Image.fromarray(np.ascontiguousarray(frame)).convert("L")
  image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
  return np.asarray(image, np.float32)


class Variance:
  """Of each pixel over the frames that were added, by Welford's updates; it keeps no frame."""

  def __init__(self):
    self.count, self.mean, self.squares = 0, 0.0, 0.0

  def add(self, frame):
    """Takes a frame [h, w]."""
    self.count += 1
    off = frame - self.mean
    self.mean = self.mean + off / self.count
    self.squares = self.squares + off * (frame - self.mean)

  def result(self):
    """[h, w]."""
    return self.squares / self.count


def box(variance, height, width):
  """(top, left, side, side) of the square around what moves, within a frame.

  It holds 99 % of the variance of the pixels that change by more than noise, and a margin.

  Args:
    variance: of small frames, [h, w].
    height, width: of the frames.
  """
  moving = np.where(variance > _STILL * np.median(variance), variance, 0.0)
  bounds = [_bounds(moving.sum(axis=axis), full) for axis, full in ((1, height), (0, width))]
  side = max(stop - start for start, stop in bounds) * (1.0 + 2.0 * _MARGIN)
  side = int(np.clip(round(side), 8, min(height, width)))
  top, left = (int(np.clip(round((start + stop - side) / 2), 0, full - side))
               for (start, stop), full in zip(bounds, (height, width), strict=True))
  return top, left, side, side


def _bounds(profile, full):
  """Where along an axis of `full` pixels all but _OUTSIDE of a profile lies, on either side."""
  total = np.cumsum(profile)
  if not total[-1] > 0.0:
    return 0.0, float(full)
  first, last = np.searchsorted(total, [_OUTSIDE * total[-1], (1.0 - _OUTSIDE) * total[-1]])
  return first * full / len(profile), (last + 1) * full / len(profile)
