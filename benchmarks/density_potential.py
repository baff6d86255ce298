"""Are the minima of V where the modes are, also in the preset nhf_mixture (the paper's section 4.3)?

Trains it on four Gaussians and draws its energies and its flow; prints for each step, and for those of the NHF in the
box, how many minima V has and how far each mode is from the nearest, in units of the points.

  python -m benchmarks.density_potential --out=docs/density
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import pathlib

import keras
import numpy as np
from absl import app, flags
from scipy import ndimage

from benchmarks.density_rows import make, points, train
from hgn_tf import pretrained
from hgn_tf.evaluation import density_pictures
from hgn_tf.flows import distributions
from hgn_tf.training import files

_OUT = flags.DEFINE_string("out", "docs/density", "Folder of the picture.")
_RESULTS = flags.DEFINE_string("results", "results/nhf_potential.json", "File of the distances.")
TARGET, SEED = "gaussians4", 0


def minima(potential, axis):
  """Places [n, 2] of the local minima of a potential [y, x] on a square grid."""
  low = ndimage.minimum_filter(potential, size=15, mode="nearest") == potential
  rows, columns = np.nonzero(low)
  inside = (rows > 0) & (rows < len(axis) - 1) & (columns > 0) & (columns < len(axis) - 1)
  return np.stack([axis[columns[inside]], axis[rows[inside]]], -1)


def main(argv):
  del argv
  keras.utils.set_random_seed(SEED)
  x, validation, *_ = points(TARGET, SEED)
  model = make("nhf_mixture", x.shape[1], SEED)
  train(model, x, validation)
  target = distributions.target(TARGET)
  density_pictures.nhf(pathlib.Path(_OUT.value, f"nhf_mixture_{TARGET}.png"), model,
                       target.sample(1000, seed=(0, 9)).numpy(), step=0)
  axis = density_pictures.AXIS
  grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32)
  square = (len(axis), len(axis))
  modes, rows = minima(-target.log_prob(grid).numpy().reshape(square), axis), []
  for name, flow in (("nhf_mixture", model), (f"nhf_{TARGET}", pretrained.load_pretrained(f"nhf_{TARGET}"))):
    for step in range(flow.config.num_steps):
      potential = flow.hamiltonian(step).potential(flow.standardise(grid)).numpy().reshape(square)
      found = minima(potential, axis)
      rows.append({"model": name, "step": step + 1, "minima": found.tolist(),
                   "distances": [float(np.min(np.linalg.norm(found - mode, axis=1))) for mode in modes]})
      print(f"{name}, step {step + 1}: {len(found)} minima; from each of {len(modes)} modes to the nearest: "
            f"{', '.join(f'{distance:.2f}' for distance in rows[-1]['distances'])}", flush=True)
  files.write_json(_RESULTS.value, {"target": TARGET, "modes": modes.tolist(), "steps": rows})


if __name__ == "__main__":
  app.run(main)
