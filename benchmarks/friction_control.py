"""Does a compact HGN with friction lose energy as the truth does, and does one with inputs follow a force?

  tfds build pendulum --imports=tfds_builders --config='{"name": "damped", "friction": 0.05, "num_steps": 60}'
  tfds build pendulum --imports=tfds_builders --config=control
  hgn-train --preset=hgn_compact --dataset=pendulum/damped --workdir=damped --steps=5000 \\
    --set='{"energy_kind": "fixed_kinetic", "damping": true, "num_frames": 61}'
  hgn-train --preset=hgn_compact --dataset=pendulum/control --workdir=driven --steps=5000 \\
    --set='{"energy_kind": "fixed_kinetic", "damping": true, "inputs": 1}'
  tfds build pendulum --imports=tfds_builders --config='{"name": "calm", "radius": [0.5, 1.7]}'
  hgn-train --preset=hgn_compact --dataset=pendulum/calm --workdir=free --steps=5000 \\
    --set='{"energy_kind": "fixed_kinetic"}'
  python -m benchmarks.friction_control --damped=damped --driven=driven --free=free --out=docs/friction_control

Energies are those of the motion that the frames show: the angle of the ball that is seen, its differences for a
velocity, of the model's frames and of the true ones alike, over that of the first fifth of the film.
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import pathlib

import numpy as np
from absl import app, flags

from hgn_tf import data
from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator
from hgn_tf.evaluation.plots import rollouts
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.training.workdir import Workdir

_DAMPED = flags.DEFINE_string("damped", None, "Workdir of a model of a pendulum with friction.")
_DRIVEN = flags.DEFINE_string("driven", None, "Workdir of a model with inputs.")
_FREE = flags.DEFINE_string("free", None, "Workdir of a model of the same films without forces.")
_OUT = flags.DEFINE_string("out", None, "Folder of pictures; none where not given.")
_FILMS = flags.DEFINE_integer("films", 32, "Test films.", lower_bound=4)
_PARTS = 5  # of a film, over which energies are averaged


def angles(frames):
  """The angle from straight down of the ball that frames [n, T, H, W, C] show, by where they differ from the ground."""
  ground = np.median(frames, axis=(1, 2, 3), keepdims=True)
  weight = np.abs(frames - ground).sum(axis=-1)
  weight = np.where(weight > 0.3 * weight.max(axis=(2, 3), keepdims=True), weight, 0.0)
  size = frames.shape[2]
  place = (np.arange(size) + 0.5) / size * 2.0 - 1.0
  total = weight.sum(axis=(2, 3))
  x, y = (np.sum(weight * grid, axis=(2, 3)) / total for grid in (place[None, :], place[:, None]))
  return np.unwrap(np.arctan2(x, y), axis=1)  # row 0 is the top


def energies(frames, system, dt):
  """Mean over the parts of films of the energy of the motion that they show, [n, _PARTS]."""
  q = angles(frames)
  p = np.gradient(q, dt, axis=1) * system.mass * system.length ** 2
  energy = system.hamiltonian(q[..., None], p[..., None])
  return np.stack([part.mean(axis=1) for part in np.array_split(energy, _PARTS, axis=1)], axis=1)


def damped(workdir, out):
  """Rows of a table: what is left of the energy, of the model's films and of the true ones."""
  model, dataset, data_dir = workdir.load_model(), workdir.dataset, workdir.data_dir
  films = next(iter(_batches(workdir, model.config, False)))
  world = truth.load(dataset, take=len(films), data_dir=data_dir)
  steps = world.q.shape[1] - 1
  shown = {"truth": world.frames(model.config.size), "model": evaluator.unroll(model, films.numpy(), steps)}
  found = {name: energies(frames, world.spec.system, world.spec.dt) for name, frames in shown.items()}
  left = {name: np.median(energy / energy[:, :1], axis=0) for name, energy in found.items()}
  if out:
    time = (np.arange(_PARTS) + 0.5) * steps * world.spec.dt / _PARTS
    rollouts.lines(out / "energy.png", {name: (time, values) for name, values in left.items()},
                   ylabel="energy over that of the first fifth")
    rollouts.animation(out / "damped.gif", [(name, frames[:3]) for name, frames in shown.items()])
  return [[name, *(f"{value:.3f}" for value in values)] for name, values in left.items()]


def driven(workdir, out):
  """The relative excess on test films under their forces, and that of the same model without them."""
  model = workdir.load_model()
  measured = evaluator.Evaluator(workdir.dataset, size=model.config.size, num_frames=model.config.num_frames,
                                 data_dir=workdir.data_dir, limit=_FILMS.value)
  batch = next(iter(_batches(workdir, model.config, True)))
  with_force = model.reconstruct(batch["frames"], controls=batch["controls"]).numpy()
  without = model.reconstruct(batch["frames"]).numpy()
  if out:
    rollouts.animation(out / "driven.gif", [("truth", batch["frames"].numpy()[:3]), ("model", with_force[:3]),
                                            ("model, no force", without[:3])])
  own = measured.split(model, "test")
  error = float(np.mean((without - batch["frames"].numpy()) ** 2))
  blind = (error - own["noise_floor"]) / (own["mean_image"] - own["noise_floor"])
  return [["driven", f"{own['relative_excess']:.4f}"], ["driven, its forces kept from it", f"{blind:.4f}"]]


def free(workdir):
  """The relative excess of a model of films without forces."""
  model = workdir.load_model()
  measured = evaluator.Evaluator(workdir.dataset, size=model.config.size, num_frames=model.config.num_frames,
                                 data_dir=workdir.data_dir, limit=_FILMS.value)
  return [["free", f"{measured.split(model, 'test')['relative_excess']:.4f}"]]


def _batches(workdir, config, controls):
  return data.eval_batches(workdir.dataset, batch_size=_FILMS.value, size=config.size, num_frames=config.num_frames,
                           data_dir=workdir.data_dir, controls=controls)


def main(argv):
  del argv
  out = _OUT.value and pathlib.Path(_OUT.value)
  if out:
    out.mkdir(parents=True, exist_ok=True)
  if _DAMPED.value:
    header = ["energy over that of the first fifth", *(f"fifth {i + 1}" for i in range(_PARTS))]
    print(markdown_table(header, damped(Workdir(_DAMPED.value), out)), flush=True)
  rows = driven(Workdir(_DRIVEN.value), out) if _DRIVEN.value else []
  rows += free(Workdir(_FREE.value)) if _FREE.value else []
  if rows:
    print(markdown_table(["pendulum", "relative excess"], rows))


if __name__ == "__main__":
  app.run(main)
