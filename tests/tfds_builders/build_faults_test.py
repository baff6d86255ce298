"""A build on a full disk is an error and no dataset; the next one is whole."""

import os
import tempfile
from unittest import mock

import faults
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from tfds_builders import mass_spring

pytestmark = pytest.mark.slow  # starts whole programs


class FullDiskTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters("tfrecord", "array_record")
  def test_a_build_on_a_full_disk_can_be_repeated(self, file_format):
    folder = self.enterContext(tempfile.TemporaryDirectory())
    config = mass_spring.MassSpringConfig(name="x", num_train=40, num_test=4, num_steps=9, resolution=32)
    make = lambda: mass_spring.Builder(config=config, data_dir=folder, file_format=file_format)  # noqa: E731
    with mock.patch.dict(os.environ, {"HGN_BUILD_WORKERS": "2"}):
      with self.assertRaisesRegex((OSError, RuntimeError, tf.errors.OpError), "File too large"):
        with faults.full_disk(20_000):
          make().download_and_prepare()
      self.assertFalse(make().data_path.exists())
      make().download_and_prepare()
    if file_format == "tfrecord":
      self.assertLen(list(tfds.as_numpy(make().as_dataset(split="train"))), 40)
    else:
      self.assertLen([x["frames"] for x in make().as_data_source("train")], 40)
