"""Time between frames: whether clips agree about it, and frames picked at equal times where they do not."""

import numpy as np

_AGREE = 0.02  # relative difference of rates that are taken for the same, such as 29.97 and 30 per second
_JITTER, _ROUNDING = 0.1, 1.5e-3  # of the gaps within one clip: relative, and seconds (Matroska counts milliseconds)


def interval(times):
  """Mean seconds between frames; NaN where nothing tells the time.

  Args:
    times: seconds at which the frames are shown, [n], NaN where unknown.
  """
  return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else np.nan


def is_even(times):
  """Whether frames follow each other in equal times, but for what a camera's clock and a file's rounding do."""
  gaps, mean = np.diff(times), interval(times)
  even = (gaps > 0.0) & (np.abs(gaps - mean) <= max(_JITTER * mean, _ROUNDING))
  return bool(np.all(even)) or not np.isfinite(mean)


def check_agreement(clips):
  """Raises ValueError, with the rates, unless the frames of all clips (name -> times) are shown at one and the same.

  Clips that tell no time agree with any.
  """
  for name, times in clips.items():
    if not is_even(times):
      gaps = np.diff(times)
      raise ValueError(f"{name} has frames from {gaps.min():.4g} to {gaps.max():.4g} seconds apart; set fps, frames "
                       "per second, to pick them at equal times.")
  rates = {name: 1.0 / interval(times) for name, times in clips.items() if np.isfinite(interval(times))}
  if rates and not _same(min(rates.values()), max(rates.values())):
    found = ", ".join(f"{name} {rate:.4g}" for name, rate in sorted(rates.items(), key=lambda item: item[1]))
    raise ValueError(f"Clips have different numbers of frames per second: {found}; set fps to what all of them can "
                     "give.")


def pick(times, fps):
  """Frames at equal times: (their numbers, ascending, the seconds between them, NaN where unknown).

  A clip that has `fps` frames per second, or tells no time, is taken as it is; another gives the frames nearest to
  times 1 / fps apart.

  Args:
    times: seconds at which the frames are shown, [n], NaN where unknown.
    fps: frames per second to get; None: those of the clip.

  Raises:
    ValueError: the clip has fewer frames per second.
  """
  numbers, gap = np.arange(len(times)), interval(times)
  if fps is None or (is_even(times) and _same(gap, 1.0 / fps)):
    return numbers, gap
  if not np.isfinite(gap):
    return numbers, 1.0 / fps
  wanted = times[0] + np.arange(int((times[-1] - times[0]) * fps + 1e-6) + 1) / fps
  later = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
  numbers = later - (wanted - times[later - 1] <= times[later] - wanted)
  if np.any(np.diff(numbers) < 1):
    raise ValueError(f"fps={fps:g} asks for more frames per second than there are: they are up to "
                     f"{np.diff(times).max():.4g} seconds apart.")
  return numbers, 1.0 / fps


def _same(one, other):
  return np.isclose(one, other, rtol=_AGREE)
