"""Measures a trained HGN or PixelHNN on a split of a dataset."""

import numpy as np
import tensorflow as tf

from hgn_tf import data
from hgn_tf.data import stored, truth
from hgn_tf.evaluation import metrics
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import PixelHNN
from hgn_tf.training import progress

SPEEDS = {"forward": 1.0, "backward": -1.0, "double speed": 2.0, "half speed": 0.5}
MEAN_IMAGE_SEQUENCES = 2000  # of the training split; the mean frame moves by less than 1e-4 with more
FLOOR_SEQUENCES = 256
SAMPLES, REFERENCE = 64, 500  # films from the prior, and the test films that they are compared with
LONG, LONG_SEQUENCES = 120, 64  # steps of the long rollouts and how many there are
_UNROLLED = 16  # sequences rolled out at a time: the decoder's memory


class Evaluator:
  """What evaluation of any model on a dataset needs once: trivial predictors and the noise floor.

  Args:
    dataset: TFDS name.
    size: height and width of the model's frames.
    num_frames: of the model's sequences.
    data_dir: where TFDS keeps its datasets.
    limit: evaluate at most so many sequences of a split; None: all.
    batch_size: sequences at a time.
  """

  def __init__(self, dataset, *, size, num_frames, data_dir=None, limit=None, batch_size=50):
    self.dataset, self.data_dir, self.limit, self.batch_size = dataset, data_dir, limit, batch_size
    self.size, self.num_frames = size, num_frames
    self.mean_frame = self._mean_frame()
    some = truth.load(dataset, take=FLOOR_SEQUENCES, data_dir=data_dir)
    self.floor = some.noise_floor(size) if some else None

  def batches(self, split, controls=False):
    """Batches of the sequences that are evaluated; dicts of `frames` and `controls` where those are asked for."""
    batches = data.eval_batches(self.dataset, batch_size=self.batch_size, size=self.size, split=split,
                                num_frames=self.num_frames, data_dir=self.data_dir, controls=controls)
    return batches if self.limit is None else batches.unbatch().take(self.limit).batch(self.batch_size)

  def count(self, split):
    """How many sequences of a split are evaluated."""
    count = stored.count(stored.builder(self.dataset, self.data_dir), split)
    return count if self.limit is None else min(count, self.limit)

  def split(self, model, split):
    """Figures of a model on a split, a dict of plain numbers and lists (see `summarize`); under its films' controls."""
    rollout = tf.function(lambda batch: _rolled_out(model, batch), autograph=False)
    world = truth.load(self.dataset, split=split, take=self.limit, data_dir=self.data_dir)
    rows, done = [], 0
    batches = self.batches(split, controls=bool(model.config.inputs))
    for batch in progress.track(batches.as_numpy_iterator(), f"Films of {split}", unit="batches",
                                total=-(-self.count(split) // self.batch_size)):
      frames = batch["frames"] if isinstance(batch, dict) else batch
      predicted, energy, start, back = map(_numpy, rollout(batch))
      clean = world.part(done, done + len(frames)).clean(self.size, self.num_frames) if world else None
      rows.append({**frame_errors(predicted, frames, self.mean_frame, clean), **energy,
                   "reversal": metrics.reversal_error(start, back)})
      done += len(frames)
    return summarize({key: np.concatenate([row[key] for row in rows]) for key in rows[0]}, self.floor)

  def samples(self, model, split="test"):
    """How films from a model's prior compare with those of a split.

    Returns:
      dict: `distance`, pixel MSE of a sample to the nearest of REFERENCE test films, and `data_distance`, that of a
      training film; `motion`, mean squared difference of successive frames, and `data_motion`, that of training films
      less what observation noise adds to it, twice the noise floor.
    """
    reference, found = self.first(split, REFERENCE), {}
    for prefix, films in (("", model.sample(SAMPLES, seed=0).numpy()), ("data_", self.first("train", SAMPLES))):
      found[f"{prefix}distance"] = metrics.nearest_distance(films, reference)
      found[f"{prefix}motion"] = metrics.motion(films)
    found["data_motion"] -= 2.0 * (self.floor or 0.0)
    return found

  def horizon(self, model, infer=None):
    """How long rollouts from test films stay right: the valid prediction time against the clean truth, up to LONG + 1.

    Args:
      model: HGN or PixelHNN.
      infer: frames to the state that the rollouts start from; default `model.infer`.

    Returns:
      dict: `forward` and `backward`, means in frames; None where there is no true world.
    """
    films, found = self.first("test", LONG_SEQUENCES), {}
    world = truth.load(self.dataset, take=len(films), data_dir=self.data_dir)
    if world is None:
      return None
    start = inferred(infer or model.infer, films)
    for name in ("forward", "backward"):
      true = world.frames(self.size, num_steps=LONG, speed=SPEEDS[name])
      predicted = rolled_out(model, start, LONG, SPEEDS[name])
      trivial = float(np.mean((true - self.mean_frame) ** 2))
      found[name] = float(np.mean(metrics.valid_prediction_time(metrics.frame_errors(predicted, true), trivial)))
    return found

  def first(self, split, num):
    """The first `num` sequences of a split, an array."""
    return np.concatenate(list(self.batches(split).unbatch().take(num).batch(self.batch_size).as_numpy_iterator()))

  def _mean_frame(self):
    batches = data.eval_batches(self.dataset, batch_size=50, size=self.size, split="train",
                                num_frames=self.num_frames, data_dir=self.data_dir)
    there = stored.count(stored.builder(self.dataset, self.data_dir), "train")
    films = progress.track(batches.take(MEAN_IMAGE_SEQUENCES // 50).as_numpy_iterator(), "Mean frame", unit="batches",
                           total=-(-min(MEAN_IMAGE_SEQUENCES, there) // 50))
    return np.mean([np.mean(frames, axis=(0, 1)) for frames in films], axis=0)


def frame_errors(predicted, target, mean_frame, clean=None):
  """Per-frame errors of a prediction and of the trivial predictors.

  Args:
    predicted, target: sequences.
    mean_frame: the mean training frame, [H, W, C].
    clean: what `target` shows, without observation noise; None: not known.

  Returns:
    dict of arrays [n, T + 1]: errors, mean_image, first_frame, and with `clean` also clean_errors, clean_mean_image.
  """
  found = {"errors": metrics.frame_errors(predicted, target), "mean_image": metrics.frame_errors(mean_frame, target),
           "first_frame": metrics.frame_errors(target[:, :1], target)}
  if clean is not None:
    found |= {"clean_errors": metrics.frame_errors(predicted, clean),
              "clean_mean_image": metrics.frame_errors(mean_frame, clean)}
  return found


def summarize(rows, floor):
  """Figures of a split from per-sequence measurements.

  Args:
    rows: what `frame_errors` returns, reversal [n] and, for models with an energy, energy [n, T + 1].
    floor: pixel MSE of the observation noise; None where nobody knows it: it is not among the figures then, and the
      relative excess counts all of the error.

  Returns:
    dict; mse_std is the spread over sequences, valid_prediction_time is against the clean truth where it is known (the
    noise of a single frame is often above half of the mean image's excess), everything in plain units (not x1e4).
  """
  errors, trivial = rows["errors"], float(np.mean(rows["mean_image"]))
  mse = float(np.mean(errors))
  known, floor = ({}, 0.0) if floor is None else ({"noise_floor": floor, "excess": mse - floor}, floor)
  if "clean_errors" in rows:
    times = metrics.valid_prediction_time(rows["clean_errors"], float(np.mean(rows["clean_mean_image"])))
  else:
    times = metrics.valid_prediction_time(errors, trivial, floor)
  figures = {
      "sequences": len(errors), "mse": mse, "mse_std": float(np.std(errors.mean(axis=1))),
      "mean_image": trivial, "first_frame": float(np.mean(rows["first_frame"])), **known,
      "relative_excess": metrics.relative_excess(mse, trivial, floor),
      "valid_prediction_time": float(np.mean(times)), "per_frame": errors.mean(axis=0).tolist(),
      "per_frame_mean_image": rows["mean_image"].mean(axis=0).tolist(),
      "per_frame_first_frame": rows["first_frame"].mean(axis=0).tolist()}
  if "energy" in rows:
    figures |= {"energy_variance": metrics.energy_variance(rows["energy"]),
                "energy_drift": metrics.energy_drift(rows["energy"]), "energy": rows["energy"][:8].tolist()}
  if "reversal" in rows:
    figures["reversal_error"] = float(np.mean(rows["reversal"]))
  return figures


def speeds(model, frames, world, num_steps=None):
  """Errors of rollouts forward, backward, at double and half speed against the clean truth.

  Args:
    model: HGN.
    frames: sequences to infer the state from, [n, T + 1, H, W, C].
    world: Truth of the same sequences.
    num_steps: of each rollout; default as many as the sequences that the model was trained on have.

  Returns:
    dict of name -> (mse, predicted frames, true frames).
  """
  results, num_steps = {}, num_steps or model.config.num_frames - 1
  start = inferred(model.infer, frames)
  for name, speed in progress.track(SPEEDS.items(), "Speeds", unit="speeds"):
    predicted = rolled_out(model, start, num_steps, speed)
    true = world.frames(model.config.size, num_steps=num_steps, speed=speed)
    results[name] = float(np.mean((predicted - true) ** 2)), predicted, true
  return results


def extrapolation(model, frames, world, num_steps=LONG):
  """Per-frame error [num_steps + 1] of a long rollout against the clean truth."""
  true = world.frames(model.config.size, num_steps=num_steps)
  return metrics.frame_errors(unroll(model, frames, num_steps), true).mean(axis=0)


def unroll(model, frames, num_steps, speed=1.0):
  """Frames [n, num_steps + 1, H, W, C] that a model predicts from `frames`; those that are not finite are black.

  Args:
    model: HGN or PixelHNN.
    frames: [n, T + 1, H, W, C].
    num_steps: of the rollout.
    speed: multiplies the time between frames; negative runs backward.
  """
  return rolled_out(model, inferred(model.infer, frames), num_steps, speed)


def inferred(infer, frames):
  """The states that `infer` finds in frames [n, T + 1, H, W, C], some films at a time; PhaseSpace."""
  parts = [infer(tf.constant(frames[i:i + _UNROLLED])) for i in range(0, len(frames), _UNROLLED)]
  return PhaseSpace(*(tf.concat(x, 0) for x in zip(*parts, strict=True)))


def rolled_out(model, start, num_steps, speed=1.0, at_a_time=_UNROLLED):
  """Frames [n, num_steps + 1, H, W, C] of the rollout from a PhaseSpace, as `unroll`; so many films at a time."""
  @tf.function(autograph=False)
  def run(q, p):
    return _finite(model.render(_rollout(model, PhaseSpace(q, p), num_steps, speed)))

  parts = [slice(i, i + at_a_time) for i in range(0, len(start.q), at_a_time)]
  return np.concatenate([run(start.q[part], start.p[part]).numpy() for part in parts])


def _rolled_out(model, batch):
  """(frames, {"energy"} or {}, first state, state after as many steps forward as backward) of what is inferred."""
  steps, on, back = model.config.num_frames - 1, {}, {}
  if isinstance(batch, dict):
    on, back = {"controls": batch["controls"]}, {"controls": batch["controls"][:, ::-1]}
    batch = batch["frames"]
  start = model.infer(batch, **on)
  path = _rollout(model, start, steps, **on)
  end = _rollout(model, PhaseSpace(*(x[:, -1] for x in path)), steps, -1.0, **back)
  energy = {"energy": model.energy(path)} if getattr(model, "has_energy", True) else {}
  return _finite(model.render(path)), energy, start, PhaseSpace(*(x[:, -1] for x in end))


def _rollout(model, start, num_steps, speed=1.0, **options):
  if isinstance(model, PixelHNN):
    options["method"] = "rk4"  # scipy's solver takes one sequence at a time
  return model.rollout(start, num_steps, speed * model.config.dt, **options)


def _finite(frames):
  return tf.where(tf.math.is_finite(frames), frames, 0.0)


def _numpy(x):
  return tf.nest.map_structure(lambda y: y.numpy(), x)
