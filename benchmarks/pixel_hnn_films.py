"""Rolls trained PixelHNNs out for figure 7: results/pixel_hnn_films/SYSTEM.npz, from runs of `hgn-reproduce hgn`.

  hgn-reproduce hgn --rows=pixel_hnn --steps=2000
  python -m benchmarks.pixel_hnn_films --runs=mass_spring-pixel_hnn-2000-0,pendulum-pixel_hnn-2000-0
"""

import pathlib

from absl import app, flags

from hgn_tf import physics
from hgn_tf.evaluation import hgn_pictures
from hgn_tf.training.workdir import Workdir

_RUNS = flags.DEFINE_list("runs", None, "Names of runs, such as mass_spring-pixel_hnn-2000-0.", required=True)
_WORKDIRS = flags.DEFINE_string("workdirs", "workdirs", "Folder of the runs.")
_OUT = flags.DEFINE_string("out", "results/pixel_hnn_films", "Folder to write to.")


def main(argv):
  del argv
  for run in _RUNS.value:
    workdir = Workdir(pathlib.Path(_WORKDIRS.value) / run)
    path = pathlib.Path(_OUT.value) / f"{workdir.dataset}.npz"
    hgn_pictures.save_speeds(path, workdir.load_model(), physics.default_spec(workdir.dataset))
    print(f"Wrote {path}")


if __name__ == "__main__":
  app.run(main)
