"""Figures of merit, on NumPy arrays. Sequences are [n, T + 1, H, W, C] in [0, 1]; energies [n, T + 1]."""

import numpy as np


def frame_errors(prediction, target):
  """Mean squared error per pixel of every frame, [n, T + 1]."""
  return np.mean((np.asarray(prediction) - np.asarray(target)) ** 2, axis=(2, 3, 4), dtype=np.float64)


def relative_excess(error, trivial, floor):
  """(error - floor) / (trivial - floor): 0 is the best possible, 1 what has learned nothing.

  Args:
    error: pixel MSE of the model.
    trivial: pixel MSE of the mean training frame.
    floor: pixel MSE that no prediction of unseen observation noise can beat.
  """
  return (error - floor) / (trivial - floor)


def energy_variance(energy):
  """Variance of H along each rollout, averaged over rollouts (paper Table 2)."""
  return float(np.mean(np.var(np.asarray(energy, np.float64), axis=1)))


def energy_drift(energy):
  """Standard deviation of H along a rollout over the spread of H between rollouts: free of H's arbitrary scale."""
  energy = np.asarray(energy, np.float64)
  spread = np.std(energy.mean(axis=1))
  return float(np.sqrt(energy_variance(energy)) / spread) if spread else float("inf")


def valid_prediction_time(errors, trivial, floor=0.0):
  """First frame of each sequence whose excess error is above half of the mean image's; T + 1 where none is.

  Args:
    errors: [n, T + 1].
    trivial: pixel MSE of the mean training frame.
    floor: pixel MSE of the noise.

  Returns:
    Integers, [n]; about 0 for a constant prediction.
  """
  failed = np.asarray(errors) - floor > 0.5 * (trivial - floor)
  return np.where(failed.any(axis=1), failed.argmax(axis=1), failed.shape[1])


def frames_right(errors, squares, *, seen=0, share=0.025):
  """Valid prediction time as Botev et al. 2021 have it: frames until the first that is wrong, beyond those seen.

  A frame is wrong where its MSE is above `share` of its own mean square. Frames are given in the order in which a
  rollout leaves the film, for a backward one against time: their code counts that from the far end.

  Args:
    errors: pixel MSE of each frame of the rollout, [n, T + 1].
    squares: mean squared value of each true frame, [n, T + 1].
    seen: the first so many frames of the rollout do not count, as those that were trained on.
    share: see above.

  Returns:
    Integers, [n], from 0 to T + 1 - seen.
  """
  wrong = (np.asarray(errors) > share * np.asarray(squares))[:, seen:]
  return np.where(wrong.any(axis=1), wrong.argmax(axis=1), wrong.shape[1])


def reversal_error(start, end):
  """Norm of the difference of two states over the norm of the first, [n].

  Args:
    start: PhaseSpace, each [n, ...].
    end: PhaseSpace after as many steps forward as backward.
  """
  first, last = (np.concatenate([np.reshape(x, (len(x), -1)) for x in state], axis=1) for state in (start, end))
  return np.linalg.norm(first - last, axis=1) / np.linalg.norm(first, axis=1)


def nearest_distance(films, reference):
  """Pixel MSE between each film and the film of `reference` that is nearest to it, averaged over `films`."""
  a, b = (np.reshape(x, (len(x), -1)).astype(np.float64) for x in (films, reference))
  squares = (a ** 2).sum(1)[:, None] + (b ** 2).sum(1) - 2.0 * a @ b.T
  return float(np.maximum(squares, 0.0).min(axis=1).mean() / a.shape[1])


def motion(films):
  """Mean squared difference per pixel between successive frames."""
  return float(np.mean(np.diff(np.asarray(films, np.float64), axis=1) ** 2))


def r_squared(true, predicted):
  """1 - (squared error) / (variance of the truth), over all components; 1 is exact, 0 is the mean."""
  true, predicted = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
  return float(1.0 - np.sum((true - predicted) ** 2) / np.sum((true - true.mean(axis=0)) ** 2))
