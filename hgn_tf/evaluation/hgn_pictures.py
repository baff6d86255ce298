"""What the pixel figures show: films of the true systems and of trained HGNs, handed to `plots.rollouts`."""

import io

import numpy as np

from hgn_tf import physics
from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator
from hgn_tf.evaluation.plots import rollouts
from hgn_tf.training import files, progress

SPLITS, FILMS = ("train", "test"), 1  # of figure 7


def speeds(path, model, spec, below=None):
  """Paper figure 7: a train and a test film, and rollouts of the state inferred from each at four speeds.

  Args:
    path: .png to write, every third frame; a .gif of them goes beside it.
    model: HGN.
    spec: physics.Spec of the films.
    below: what a PixelHNN makes of them, as `save_speeds` wrote it.

  Returns:
    The files that were written.
  """
  films = {split: at_speeds(model, spec, split, FILMS, below) for split in SPLITS}
  rollouts.strips(path, [(f"{split}: {label}", film[0]) for split, pairs in films.items() for label, film in pairs])
  rollouts.animation(path.with_suffix(".gif"), [
      (label, np.concatenate([train, test])) for (label, train), (_, test) in zip(*films.values(), strict=True)])
  return [path, path.with_suffix(".gif")]


def at_speeds(model, spec, split, num, below=None):
  """What the model sees, then the truth and the rollouts at each speed: (label, films [num, T + 1, H, W, 3])."""
  frames, world = truth.simulate(spec, split, num, model.config.size)
  rows = [("data", frames)]
  for name, (_, predicted, true) in evaluator.speeds(model, frames, world).items():
    rows += [(name, true), ("HGN", predicted)]
    if below:
      rows.append(("PixelHNN", below[f"{split}, {name}"][:num] / 255.0))
  return rows


def save_speeds(path, model, spec):
  """Writes the rollouts of a PixelHNN at the four speeds of figure 7, whose weights are too large for the package.

  Args:
    path: .npz to write: "test, half speed" and so on, uint8 [FILMS, T + 1, H, W, 3].
    model: PixelHNN.
    spec: physics.Spec of the films.
  """
  found = {}
  for split in SPLITS:
    frames, world = truth.simulate(spec, split, FILMS, model.config.size)
    for name, (_, predicted, _) in evaluator.speeds(model, frames, world).items():
      found[f"{split}, {name}"] = np.rint(255.0 * predicted).astype(np.uint8)
  buffer = io.BytesIO()
  np.savez_compressed(buffer, **found)
  files.write_bytes(path, buffer.getvalue())


def overview(path, models, num_steps=120):
  """One test film of each system at four speeds, and what its model makes of the state it inferred; every other frame.

  Args:
    path: file to write.
    models: name of a system -> HGN.
    num_steps: frames of each rollout after the first.
  """
  columns = {}
  for system, model in _systems(models):
    frames, world = truth.simulate(physics.default_spec(system), "test", 1, model.config.size)
    for name, (_, predicted, true) in evaluator.speeds(model, frames, world, num_steps).items():
      columns.setdefault(name, []).append(true)
      columns.setdefault(f"HGN, {name}", []).append(predicted)
  rollouts.animation(path, [(label, np.concatenate(films)[:, ::2]) for label, films in columns.items()], scale=3)


def beyond(path, models, *, before=60, after=90, every=10):
  """A test film of each system from long before to long after the frames that models saw, and what they make of it.

  Args:
    path: .png to write.
    models: name of a system -> label -> HGN.
    before, after: frames before and after the first one that was seen.
    every: show every so-manieth frame.
  """
  rows = []
  for system, labelled in _systems(models):
    size = next(iter(labelled.values())).config.size
    frames, world = truth.simulate(physics.default_spec(system), "test", 1, size)
    true = world.frames(size, num_steps=before, speed=-1.0), world.frames(size, num_steps=after)
    films = {f"{system}, truth": true}
    for label, model in labelled.items():
      films[label] = evaluator.unroll(model, frames, before, -1.0), evaluator.unroll(model, frames, after)
    rows += [(label, np.concatenate([past[0, :0:-1], future[0]])) for label, (past, future) in films.items()]
  rollouts.strips(path, rows, every=every)


def _systems(models):
  return progress.track(models.items(), "Films", unit="systems")


def samples(path, models, num=4):
  """Paper figure 8: films from the prior of several models beside films of their systems.

  Args:
    path: .png to write, every third frame of the samples; a .gif goes beside it.
    models: name of a system -> HGN.
    num: samples of each.

  Returns:
    The files that were written.
  """
  rows, columns = [], []
  for system, model in _systems(models):
    drawn = model.sample(num, seed=0).numpy()
    frames, _ = truth.simulate(physics.default_spec(system), "test", num, model.config.size)
    rows += [(f"{system}, sample {i + 1}", film) for i, film in enumerate(drawn)]
    columns += [(f"{system}, data", frames), ("samples", drawn)]
  rollouts.strips(path, rows)
  rollouts.animation(path.with_suffix(".gif"), columns)
  return [path, path.with_suffix(".gif")]
