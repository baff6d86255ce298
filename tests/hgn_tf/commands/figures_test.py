"""hgn-figures."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf
import terminal
from matplotlib import image

from hgn_tf.commands import figures


class FiguresTest(tf.test.TestCase):

  def test_datasets_figures_show_something(self):
    folder = self.enter_context(tempfile.TemporaryDirectory())
    with terminal.terminal() as said:
      written = figures.make(["datasets", "phase_space"], folder)
    self.assertRegex(said(), r"(?s)Drawing: datasets:.* 0/2 .*Films:.* 0/4 .*Drawing: phase_space:.* 1/2 ")
    self.assertSetEqual({path.name for path in written}, {
        "datasets.png", "mass_spring.png", "pendulum.png", "two_body.png", "three_body.png", "phase_space.png"})
    for path in written:
      self.assertGreater(np.std(image.imread(path)[..., :3]), 0.01)

  def test_unknown_and_missing_names_list_the_known_ones(self):
    folder = self.enter_context(tempfile.TemporaryDirectory())
    for names, got in ((["figure5"], "got figure5"), ([], "got none")):
      with self.assertRaisesRegex(ValueError, f"out of beyond, .*{got}"):
        figures.make(names, pathlib.Path(folder, "new"))
    self.assertFalse(pathlib.Path(folder, "new").exists())
