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
                       f"per second, to pick them at equal times{_advice(clips)}.")
  rates = {name: 1.0 / interval(times) for name, times in clips.items() if np.isfinite(interval(times))}
  if rates and not _same(min(rates.values()), max(rates.values())):
    found = ", ".join(f"{name} {rate:.4g}" for name, rate in sorted(rates.items(), key=lambda item: item[1]))
    raise ValueError(f"Clips have different numbers of frames per second: {found}; set fps to what all of them can "
                     f"give{_advice(clips)}.")


def pick(times, fps):
  """Frames at equal times: (runs of their numbers, ascending, the seconds between them, NaN where unknown).

  A clip that has `fps` frames per second, or tells no time, is taken as it is; another gives the frames nearest to
  times 1 / fps apart. Where none is as near as half of that, as if the camera paused, a run ends and the next begins.

  Args:
    times: seconds at which the frames are shown, [n], NaN where unknown.
    fps: frames per second to get; None: those of the clip.

  Raises:
    ValueError: the clip has fewer frames per second.
  """
  numbers, gap = np.arange(len(times)), interval(times)
  if fps is None or (is_even(times) and _same(gap, 1.0 / fps)):
    return [numbers], gap
  if not np.isfinite(gap):
    return [numbers], 1.0 / fps
  if np.median(np.diff(times)) * fps > 1.0 + _AGREE:
    raise ValueError(f"fps={fps:g} asks for more frames per second than there are: they are "
                     f"{np.median(np.diff(times)):.4g} seconds apart.")
  wanted = times[0] + np.arange(int((times[-1] - times[0]) * fps + 1e-6) + 1) / fps
  later = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
  numbers = later - (wanted - times[later - 1] <= times[later] - wanted)
  near = np.abs(times[numbers] - wanted) <= 0.5 / fps + 1e-9
  there = near & ~np.append(False, near[:-1] & (np.diff(numbers) == 0))  # between two times, a frame is for the first
  parts = np.split(np.arange(len(numbers)), np.flatnonzero(~there))
  return [numbers[part[there[part]]] for part in parts if np.any(there[part])], 1.0 / fps


def _advice(clips):
  """The most frames per second that all clips have, in words; nothing where a clock does not run."""
  gap = max(np.median(np.diff(times)) for times in clips.values() if len(times) > 1 and np.all(np.isfinite(times)))
  return f", at most {1.0 / gap:.4g}" if gap > 0.0 else ""


def _same(one, other):
  return np.isclose(one, other, rtol=_AGREE)
