"""The arrays behind figures 9 and 13."""

import pathlib
from unittest import mock

import numpy as np
import tensorflow as tf

from hgn_tf.evaluation import density_pictures
from hgn_tf.evaluation.plots import density as plots
from hgn_tf.models import NHF, NHFConfig


class DensityPicturesTest(tf.test.TestCase):

  def test_symplectic_methods_keep_the_area_and_euler_does_not(self):
    with mock.patch.object(plots, "phase_volume") as draw:
      density_pictures.phase_volume("unused")
    for method, outlines in draw.call_args.args[1].items():
      areas = [plots.polygon_area(outline) for outline in outlines]
      self.assertAllClose(areas[0], np.pi * 0.16, rtol=1e-3)
      if method == "euler":
        self.assertGreater(areas[-1], 1.5 * areas[0])
      else:
        self.assertAllClose(areas, np.full(41, areas[0]), rtol=5e-3)

  def test_figures_are_written(self):
    folder = pathlib.Path(self.get_temp_dir())
    model = NHF(NHFConfig(hidden=(4, 4), encoder_hidden=(4, 4)))
    density_pictures.nhf(folder / "9.png", model, np.zeros((10, 2), np.float32))
    density_pictures.phase_volume(folder / "13.png", num_steps=8)
    for name in ("9.png", "13.png"):
      self.assertGreater((folder / name).stat().st_size, 10_000)


if __name__ == "__main__":
  tf.test.main()
