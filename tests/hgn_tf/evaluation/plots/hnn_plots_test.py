"""The HNN figures: each is a picture with the panels it was given."""

import pathlib
import tempfile

import numpy as np
import pytest
import tensorflow as tf

plots = pytest.importorskip("hgn_tf.evaluation.plots.hnn")
imageio = pytest.importorskip("imageio.v3")


class HNNPlotsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.path = pathlib.Path(folder.name) / "figure.png"
    time = np.linspace(0.0, 6.0, 50)
    self.time, self.circle = time, np.stack([np.cos(time), -np.sin(time)], axis=1)

  def picture(self):
    pixels = imageio.imread(self.path)[..., :3]
    self.assertGreater(len(np.unique(pixels.reshape(-1, 3), axis=0)), 20)
    return pixels

  def test_fields_have_one_panel_each(self):
    widths = []
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 5)] * 2), axis=-1).reshape(-1, 2)
    for models in (("truth", "hnn"), ("truth", "baseline", "hnn", "separable")):
      plots.fields(self.path, grid, {model: (grid[:, ::-1], self.circle) for model in models}, pairs=grid)
      widths.append(self.picture().shape[1])
    self.assertAllClose(widths[1] / widths[0], 2.0, atol=0.1)

  def test_energies_show_every_model_in_its_colour(self):
    curves = {model: (self.time, 1.0 + shift) for model, shift in (
        ("truth", 0 * self.time), ("hnn", 0.1 * np.sin(self.time)), ("damped", 0.2 * np.cos(self.time)))}
    plots.energies(self.path, {"a system": (curves, 3.0)})
    pixels = self.picture().reshape(-1, 3).astype(int)
    for colour in ((31, 119, 180), (148, 103, 189)):  # tab:blue, tab:purple
      self.assertLess(np.abs(pixels - colour).sum(axis=1).min(), 10)

  def test_energies_keep_the_truth_in_view_of_a_baseline_that_explodes(self):
    curves = {"truth": (self.time, np.ones(50)), "baseline": (self.time, np.exp(5 * self.time))}
    plots.energies(self.path, {"a system": (curves, 3.0)})
    self.picture()

  def test_orbits(self):
    orbit = np.stack([self.circle, -self.circle], axis=1)
    plots.orbits(self.path, {"truth": orbit, "hnn": 1.1 * orbit})
    self.picture()

  def test_latent(self):
    axis = np.linspace(-1.0, 1.0, 8)
    plots.latent(self.path, (axis, axis), axis[:, None] ** 2 + axis ** 2, self.circle, self.circle,
                 np.random.default_rng(0).uniform(size=(10, 8, 8)), kick=25)
    self.picture()


if __name__ == "__main__":
  tf.test.main()
