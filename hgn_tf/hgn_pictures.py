"""What the pixel figures show: films of the true systems and of trained HGNs, handed to `hgn_tf.plots.rollouts`."""

import numpy as np

from hgn_tf import evaluation, physics, truth
from hgn_tf.plots import rollouts


def speeds(path, model, spec):
  """Paper figure 7: a train and a test film, and rollouts of the state inferred from each at four speeds.

  Args:
    path: .png to write, every third frame of a film of each split; a .gif of two films of each goes beside it.
    model: HGN.
    spec: physics.Spec of the films.

  Returns:
    The files that were written.
  """
  films = {split: at_speeds(model, spec, split, 2) for split in ("train", "test")}
  rollouts.strips(path, [(f"{split}: {label}", film[0]) for split, pairs in films.items() for label, film in pairs])
  rollouts.animation(path.with_suffix(".gif"), [
      (label, np.concatenate([train, test])) for (label, train), (_, test) in zip(*films.values(), strict=True)])
  return [path, path.with_suffix(".gif")]


def at_speeds(model, spec, split, num):
  """What the model sees, then the truth and the model's rollout at each speed: (label, films [num, T + 1, H, W, 3])."""
  frames, world = truth.simulate(spec, split, num, model.config.size)
  found = evaluation.speeds(model, frames, world)
  return [("data", frames), *(pair for name, (_, predicted, true) in found.items()
                              for pair in ((name, true), ("HGN", predicted)))]


def overview(path, models):
  """One test film of each system and what its model makes of it at four speeds; a .gif.

  Args:
    path: file to write.
    models: name of a system -> HGN.
  """
  rows = [at_speeds(model, physics.default_spec(system), "test", 1) for system, model in models.items()]
  rollouts.animation(path, [(row[0][0], np.concatenate([films for _, films in row]))
                            for row in zip(*rows, strict=True)], scale=3)


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
  for system, model in models.items():
    drawn = model.sample(num, seed=0).numpy()
    frames, _ = truth.simulate(physics.default_spec(system), "test", num, model.config.size)
    rows += [(f"{system}, sample {i + 1}", film) for i, film in enumerate(drawn)]
    columns += [(f"{system}, data", frames), ("samples", drawn)]
  rollouts.strips(path, rows)
  rollouts.animation(path.with_suffix(".gif"), columns)
  return [path, path.with_suffix(".gif")]
