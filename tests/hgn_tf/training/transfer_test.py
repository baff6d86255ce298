"""What a model takes over from one that was trained."""

import io
import pathlib
from contextlib import redirect_stdout

import numpy as np
import pytest
import tensorflow as tf
import tiny

from hgn_tf.models import HGN, NHF, NHFConfig
from hgn_tf.training import transfer
from hgn_tf.training.loop import train
from hgn_tf.training.workdir import Workdir


class TransferTest(tf.test.TestCase):

  def test_what_fits_is_taken_and_told(self):
    source, model = HGN(tiny.config()), HGN(tiny.config(num_frames=4, channels=1, seed=1))
    source.encoder.centre.assign(source.encoder.centre + 0.3)
    taken = transfer.take_over(model, source)
    self.assertAllEqual(model.potential.get_weights()[0], source.potential.get_weights()[0])
    for name in ("transform", "potential", "kinetic"):
      self.assertEqual(*taken[name])
    for name in ("encoder", "decoder"):  # of more frames, of more colours
      self.assertBetween(taken[name][0], 1, taken[name][1] - 1)
    self.assertAllEqual(model.encoder.centre, np.zeros_like(model.encoder.centre))
    words = transfer.told({**taken, "factor": (0, 3)})
    self.assertIn("potential all of", words)
    self.assertIn(f"encoder {taken['encoder'][0]:,} of {taken['encoder'][1]:,}", words)
    self.assertTrue(words.endswith("factor anew"))

  def test_nothing_fits(self):
    with self.assertRaisesRegex(ValueError, "init must be a model some of whose weights fit 'hgn', got 'nhf'"):
      transfer.take_over(HGN(tiny.config()), NHF(NHFConfig()))

  @pytest.mark.slow  # two trainings
  def test_a_run_begins_from_it_and_goes_on_from_its_own(self):
    source, workdir = HGN(tiny.config(seed=3)), Workdir(pathlib.Path(self.get_temp_dir(), "run"))
    config = tiny.config(steps=1, learning_rate=1e-9, prior_rank=0)
    said = io.StringIO()
    with redirect_stdout(said):
      model = train(config, tiny.DATASET, workdir, data_dir=tiny.data_dir(), init=source)
    self.assertIn("From hgn: encoder all of", said.getvalue())
    self.assertAllClose(model.potential.get_weights()[0], source.potential.get_weights()[0], atol=1e-6)
    with redirect_stdout(said):
      train(config, tiny.DATASET, workdir, data_dir=tiny.data_dir(), init=HGN(tiny.config(seed=4)))
    self.assertEqual(said.getvalue().count("From hgn"), 1)
    self.assertAllClose(workdir.load_model().potential.get_weights()[0], source.potential.get_weights()[0], atol=1e-6)


if __name__ == "__main__":
  tf.test.main()
