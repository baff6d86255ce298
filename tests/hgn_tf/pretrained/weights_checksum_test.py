"""Weights that are not those of their card are refused by name, before anything reads them."""

import pathlib
import shutil
import tempfile
from unittest import mock

import faults
import tensorflow as tf

from hgn_tf import pretrained

_FOLDER = pathlib.Path(pretrained.__file__).parent


class WeightsChecksumTest(tf.test.TestCase):

  def test_every_card_has_that_of_its_weights(self):
    for name in pretrained.names():
      self.assertEqual(pretrained.card(name)["sha256"], pretrained.checksum(_FOLDER / f"{name}.weights.h5"), name)

  def test_a_changed_byte_is_an_error_that_names_the_file(self):
    folder, name = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())), "nhf_two_moons"
    for suffix in (".json", ".weights.h5"):
      shutil.copy(_FOLDER / f"{name}{suffix}", folder)
    weights = folder / f"{name}.weights.h5"
    with mock.patch.object(pretrained, "_FOLDER", folder):
      for place in (0.0, 0.5, 0.99):  # HDF5 itself finds the first and not the others
        with self.assertRaisesRegex(ValueError, f"{weights} is corrupted: its checksum is "):
          with faults.changed_byte(weights, at=place):
            pretrained.load_pretrained(name)
      pretrained.load_pretrained(name)
