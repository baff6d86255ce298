"""What frames say of a motion before a model has learned it: its period, its dimension, friction and noise."""

import numpy as np

_BACK, _PROMINENCE = 0.5, 0.25  # of a recurrence curve: how low it has to come again, and by how much
_NEIGHBOURS = 20  # of the estimate of Levina and Bickel
_KEPT = 0.9  # share of the variance whose principal components are looked at; what is left is mostly noise


def recurrence(frames):
  """How unlike frames are that lie so far apart: mean squared difference over twice the variance, [lags].

  0: the same; 1: as two frames of the film at random. Lags up to three quarters of the film.

  Args:
    frames: [T, ...].
  """
  x = _flat(frames)
  gram = x @ x.T
  norms, total = np.diag(gram), 2.0 * np.trace(gram) / len(x)
  lags = range(max(1, 3 * len(x) // 4))
  apart = [np.mean(norms[lag:] + norms[:len(x) - lag] - 2.0 * np.diag(gram, lag)) for lag in lags]
  return np.array(apart) / total if total > 0.0 else np.zeros(len(apart))


def period(curve):
  """After how many frames a film comes back to where it was: the first deep minimum of its `recurrence`; NaN: never.

  The minimum is found to a fraction of a frame by the parabola through three points.
  """
  from scipy.signal import find_peaks
  found, _ = find_peaks(-curve, prominence=_PROMINENCE)
  found = [lag for lag in found if curve[lag] <= _BACK]
  if not found:
    return np.nan
  before, at, after = curve[found[0] - 1 : found[0] + 2]
  bend = before - 2.0 * at + after
  return float(found[0] + (0.5 * (before - after) / bend if bend > 0.0 else 0.0))


def noise(frames):
  """Variance of a pixel that is not due to motion: the median over pixels of that of second differences in time, / 6.

  Args:
    frames: [T, ...], at least 3; pixels that most of the time show the same.
  """
  second = np.diff(np.asarray(frames, np.float64), 2, axis=0)
  return float(np.median(np.mean(second ** 2, axis=0)) / 6.0)


def decay(frames, floor=0.0):
  """Mean squared difference of successive frames in the last third of a film over that in the first; 1: no friction.

  Args:
    frames: [T, ...].
    floor: variance of a pixel's noise.
  """
  moved = np.mean(np.diff(_flat(frames), axis=0) ** 2, axis=1) - 2.0 * floor
  third = max(1, len(moved) // 3)
  first, last = np.mean(moved[:third]), np.mean(moved[-third:])
  return float(last / first) if first > 0.0 else np.nan


def dimensions(frames):
  """How many numbers a frame is made of, by three estimates that err differently.

  Args:
    frames: [n, ...], n > 20, from many films and some 300: of one film's successive frames a line is all that is seen,
      and neighbours that lie too close show noise. Small frames, of 12 pixels say, are not as wrinkled as large ones.

  Returns:
    dict: `participation` ratio of the principal components, (sum l)^2 / sum l^2, which counts a curved line twice and
      more; `mle`, Levina and Bickel's estimate from 20 neighbours (NeurIPS 2004); `two_nn`, that of Facco et al. (2017)
      from two, the first that noise blows up. Frames that are there twice count once; fewer than 22 different ones have
    no neighbours to tell from: the last two are missing then.

  Raises:
    ModuleNotFoundError: scikit-dimension is missing.
  """
  import skdim  # slow: numba
  left, lengths, _ = np.linalg.svd(_flat(np.unique(frames, axis=0)), full_matrices=False)
  shares = lengths ** 2 / np.sum(lengths ** 2)
  count = int(np.searchsorted(np.cumsum(shares), _KEPT)) + 1
  scores = left[:, :count] * lengths[:count]
  found = {"participation": float(1.0 / np.sum(shares ** 2))}
  if len(scores) <= _NEIGHBOURS + 1:
    return found
  return {**found,
          "mle": float(skdim.id.MLE().fit_transform(scores, n_neighbors=_NEIGHBOURS)),
          "two_nn": float(skdim.id.TwoNN().fit_transform(scores))}


def _flat(frames):
  """[n, pixels], less their mean."""
  x = np.reshape(np.asarray(frames, np.float64), (len(frames), -1))
  return x - x.mean(axis=0)
