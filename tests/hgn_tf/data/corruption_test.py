"""A corrupted record is one error that names its file, whoever reads it."""

import pathlib
import tempfile

import faults
import tensorflow as tf
import tensorflow_datasets as tfds
import tiny
from absl.testing import parameterized

from hgn_tf import data
from hgn_tf.data import corruption
from hgn_tf.evaluation.evaluate import evaluate
from hgn_tf.models import HGN
from hgn_tf.training.loop import train
from hgn_tf.training.workdir import Workdir
from tfds_builders import mass_spring


class CorruptedRecordTest(parameterized.TestCase, tf.test.TestCase):

  def build(self, file_format):
    """(folder, files of the train split) of a small dataset of its own."""
    folder = self.enterContext(tempfile.TemporaryDirectory())
    config = mass_spring.MassSpringConfig(name="x", num_train=8, num_test=4, num_steps=tiny.FRAMES - 1,
                                          resolution=tiny.SIZE)
    builder = mass_spring.Builder(config=config, data_dir=folder, file_format=file_format)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=2))
    return folder, sorted(builder.data_path.glob(f"*train.{file_format}*"))

  def test_training_and_evaluation_name_the_file(self):
    folder, (_, second) = self.build("tfrecord")
    out = pathlib.Path(folder) / "out"
    with faults.changed_byte(second):
      with self.assertRaisesRegex(ValueError, f"{second} is corrupted .corrupted record at "):
        train(tiny.config(steps=2), "mass_spring/x", Workdir(out / "run"), data_dir=folder)
      with self.assertRaisesRegex(ValueError, f"{second} is corrupted .corrupted record at "):
        evaluate(HGN(tiny.config()), "mass_spring/x", out / "figures", data_dir=folder)
    self.assertEmpty(list((out / "figures").iterdir()))

  def test_array_record_too(self):
    folder, (first, _) = self.build("array_record")
    read = lambda: list(data.eval_batches("mass_spring/x", batch_size=4, size=tiny.SIZE, split="train",  # noqa: E731
                                          data_dir=folder))
    with faults.changed_byte(first, at=0.002):  # the files are mostly padding
      with self.assertRaisesRegex(ValueError, f"{first} is corrupted .Corrupted Riegeli/records file: .*hash mismatch"):
        with corruption.named("mass_spring/x", folder):
          read()
    self.assertLen(read(), 2)

  def test_another_error_stays_what_it_is(self):
    with self.assertRaisesRegex(tf.errors.UnknownError, "of a user"):
      with corruption.named(tiny.DATASET, tiny.data_dir()):
        raise tf.errors.UnknownError(None, None, "of a user")
