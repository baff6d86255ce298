"""The figures of Botev et al. and Higgins et al. 2021: how long rollouts stay right, and whether states are true."""

import dataclasses

import numpy as np

from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator, metrics
from hgn_tf.evaluation.symetric import symetric
from hgn_tf.mechanics.phase_space import PhaseSpace

BEYOND = 191  # frames on either side of a film: with one of 65 they make the 256 of theirs
SURE = 0.5  # posterior variance below which a pair of numbers counts
_SYMETRIC_FILMS, _SYMETRIC_FRAMES = 20, 60
_AT_A_TIME = 4  # films: a rollout of 256 frames takes the memory of a decoder for as many


@dataclasses.dataclass(frozen=True, eq=False)
class Rollout:
  """A rollout of test films in one direction, in the order in which it leaves the film.

  Attributes:
    errors, squares: MSE and mean square of the truth of each frame, [n, T + 1].
    mean_image: MSE of the mean training frame against each, [n, T + 1].
    seen: frames of it that training showed.
  """

  errors: np.ndarray
  squares: np.ndarray
  mean_image: np.ndarray
  seen: int

  def figures(self):
    """dict: `vpt`, median over films of the frames beyond those seen until one is wrong at 2.5 % of its mean square,
    `vpt_of_mean`, that of the mean image, which stays right for ever where balls are small, and `half`, the mean of the
    frames from the first on until one is above half of the mean image's error.
    """
    def vpt(errors):
      return float(np.median(metrics.frames_right(errors, self.squares, seen=self.seen)))
    return {"vpt": vpt(self.errors), "vpt_of_mean": vpt(self.mean_image),
            "half": float(np.mean(metrics.valid_prediction_time(self.errors, np.mean(self.mean_image))))}


def horizons(model, measured, num_films, beyond):
  """How long rollouts from test films stay right, before and after them, against the clean truth.

  Args:
    model: HGN.
    measured: Evaluator of the dataset, one of a simulated world.
    num_films: test films.
    beyond: frames before and after those of the film.

  Returns:
    dict: "forward" and "backward", each as `Rollout.figures`.
  """
  films = measured.first("test", num_films)
  world, start = _world(measured, len(films)), evaluator.inferred(model.infer, films)
  return {name: _rollout(model, measured, world, start, steps, seen, speed).figures() for name, steps, seen, speed in (
      ("forward", len(films[0]) - 1 + beyond, len(films[0]), 1.0), ("backward", beyond, 1, -1.0))}


def states(model, measured, num_films=_SYMETRIC_FILMS, num_frames=_SYMETRIC_FRAMES):
  """R^2, Sym and SyMetric of the states of rollouts from test films, a dict; `kept`, the pairs that counted.

  Pairs whose posterior variance is below SURE count, or all where none is; all that f_psi makes of z.
  """
  films = measured.first("test", num_films)
  world, start = _world(measured, len(films)), evaluator.inferred(model.infer, films)
  num_frames = min(num_frames, world.q.shape[1])
  path = model.rollout(start, num_frames - 1)
  q, p = (np.reshape(x, (*x.shape[:2], -1)) for x in (path.q.numpy(), path.p.numpy()))
  keep = _sure(model, films) if model.transform is None else np.ones(q.shape[-1], bool)
  true = np.concatenate([world.q, world.p], axis=-1)[:, :num_frames]
  found = symetric(np.concatenate([q, p], axis=-1), true, keep=keep)
  return {"r2": found.r2, "sym": found.sym, "symetric": found.score, "order": found.order, "kept": int(keep.sum())}


def _sure(model, films):
  variance = PhaseSpace.split(model.encode(films).variance())
  sure = np.mean([np.mean(np.reshape(x, (len(films), -1)), axis=0) for x in variance], axis=0) < SURE
  return sure if sure.any() else np.ones_like(sure)


def _world(measured, num_films):
  world = truth.load(measured.dataset, take=num_films, data_dir=measured.data_dir)
  if world is None:
    raise ValueError(f"dataset must be one whose films were simulated, got {measured.dataset!r}.")
  return world


def _rollout(model, measured, world, start, num_steps, seen, speed):
  true = world.frames(measured.size, num_steps=num_steps, speed=speed)
  predicted = evaluator.rolled_out(model, start, num_steps, speed, _AT_A_TIME)
  return Rollout(metrics.frame_errors(predicted, true), np.mean(true ** 2, axis=(2, 3, 4), dtype=np.float64),
                 metrics.frame_errors(np.broadcast_to(measured.mean_frame, true.shape), true), seen)
