"""The numbers behind the density figures, and that every figure writes a picture."""

import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

from hgn_tf.evaluation.plots import density

AXIS = np.linspace(-5, 5, 41)


class DensityPlotsTest(tf.test.TestCase):

  def test_kde_of_one_point_is_the_kernel(self):
    values = density.kde([[1.0, -2.0]], AXIS, bandwidth=0.5)
    self.assertAllClose(values.sum() * 0.25**2, 1.0, atol=1e-3)
    row, column = np.unravel_index(values.argmax(), values.shape)
    self.assertAllClose((AXIS[column], AXIS[row]), (1.0, -2.0))

  def test_polygon_area(self):
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    self.assertAllClose(density.polygon_area(2 * np.stack([np.cos(angle), np.sin(angle)], 1)), 4 * np.pi, rtol=1e-4)

  def test_figures_are_pictures_with_something_in_them(self):
    rng, folder = np.random.default_rng(0), pathlib.Path(self.get_temp_dir())
    points, grid = rng.normal(size=(50, 2)), rng.normal(size=(41, 41))
    pair = (points, points + 0.3)
    outlines = np.tile(points[None, :10], (5, 1, 1))
    density.nhf_flow(folder / "flow.png", target=points, learned=points, kinetic=grid, potential=grid, one_step=pair,
                     flow=pair, axis=AXIS)
    rows = {target: {"a": points, "b": -points} for target in ("t", "u")}
    density.comparison(folder / "comparison.png", rows, AXIS)
    density.learning_curves(folder / "curves.png", {"t": {"a": ([1, 2], [0.1, 0.01])}})
    density.phase_volume(folder / "volume.png", {"leapfrog": outlines, "euler": outlines}, every=2)
    for name in ("flow", "comparison", "curves", "volume"):
      pixels = np.asarray(Image.open(folder / f"{name}.png").convert("RGB"))
      self.assertGreater(len(np.unique(pixels.reshape(-1, 3), axis=0)), 20, name)


if __name__ == "__main__":
  tf.test.main()
