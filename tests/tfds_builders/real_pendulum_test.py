"""The real_pendulum dataset, on a small file in the format of the measurement."""

import pathlib
import tempfile
import zipfile

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from tfds_builders.real_pendulum import Builder, RealPendulumConfig
from tfds_builders.real_pendulum.real_pendulum_dataset_builder import parse

_TIMES = 0.1 * np.arange(21)


def _file(trials=1):
  lines = ["% o v\r"]
  for trial in range(trials):
    lines += [f"{trial} {t:.4f} {np.cos(t + trial):.6f} {-np.sin(t + trial):.6f} \r" for t in _TIMES]
  return "\n".join(lines) + "\n"


def _build(folder, **fields):
  builder = tfds.builder("real_pendulum", config=RealPendulumConfig(name="test", **fields), data_dir=folder + "/data")
  builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=folder))
  return builder


class RealPendulumTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = Builder
  SPLITS = {"train": 1, "test": 1}

  @classmethod
  def setUpClass(cls):
    folder = cls.enterClassContext(tempfile.TemporaryDirectory())
    pathlib.Path(folder, "real_pend_h_1.txt").write_text(_file())
    cls.EXAMPLE_DIR = folder
    super().setUpClass()


class RealPendulumRecordsTest(tf.test.TestCase, parameterized.TestCase):

  def test_text_and_archive_give_forward_differences_in_order(self):
    for member in (None, "real_pend_h_1.txt", "invar_datasets/real_pend_h_1.txt"):
      folder = self.enter_context(tempfile.TemporaryDirectory())
      if member:
        with zipfile.ZipFile(pathlib.Path(folder, "invar_datasets.zip"), "w") as archive:
          archive.writestr("__MACOSX/invar_datasets/._real_pend_h_1.txt", b"\0\5\x16\7Mac OS X")
          archive.writestr(member, _file())
      else:
        pathlib.Path(folder, "real_pend_h_1.txt").write_text(_file())
      builder = _build(folder)
      (train,), (test,) = (list(tfds.as_numpy(builder.as_dataset(split=split))) for split in ("train", "test"))
      self.assertEqual((train["x"].shape, test["x"].shape), ((16, 2), (4, 2)))
      self.assertAllClose(np.concatenate([train["t"], test["t"]]), _TIMES[:-1])
      states = np.round(np.stack([np.cos(_TIMES), -np.sin(_TIMES)], axis=1), 6)
      self.assertAllClose(np.concatenate([train["x"], test["x"]]), states[:-1])
      self.assertAllClose(np.concatenate([train["dx"], test["dx"]]), np.diff(states, axis=0) / 0.1)

  def test_differences_do_not_cross_trials(self):
    folder = self.enter_context(tempfile.TemporaryDirectory())
    pathlib.Path(folder, "real_pend_h_1.txt").write_text(_file(trials=2))
    examples = list(tfds.as_numpy(_build(folder).as_dataset(split="train+test")))
    self.assertLen(examples, 4)
    self.assertAllLess(np.abs(np.concatenate([example["dx"] for example in examples])), 1.01)

  def test_missing_download_says_what_to_do_and_leaves_nothing(self):
    folder = self.enter_context(tempfile.TemporaryDirectory())
    with self.assertRaisesRegex(FileNotFoundError, "holds neither real_pend_h_1.txt nor invar_datasets.zip[^$]*doi"):
      _build(folder)
    self.assertEmpty([path for path in pathlib.Path(folder, "data").rglob("*") if path.is_file()])

  def test_an_archive_of_something_else_is_named(self):
    folder = self.enter_context(tempfile.TemporaryDirectory())
    with zipfile.ZipFile(pathlib.Path(folder, "invar_datasets.zip"), "w") as archive:
      archive.writestr("other.txt", "nothing")
    with self.assertRaisesRegex(ValueError, "invar_datasets.zip does not hold real_pend_h_1.txt, but: other.txt"):
      _build(folder)
    pathlib.Path(folder, "invar_datasets.zip").write_text("no archive")
    with self.assertRaisesRegex(ValueError, "invar_datasets.zip cannot be read: File is not a zip file"):
      _build(folder)

  @parameterized.parameters(
      ("% o v\n0 0.1 0.2\n", "line 2: expected the numbers trial, time, angle and velocity, got '0 0.1 0.2'"),
      ("% o v\n0 0.1 high 1\n", "line 2: expected the numbers"),
      ("% o v\n0 0.1 0.2 nan\n", "line 2: expected the numbers"),
      ("% o v\n0 0.1 0.2 0.3\n", "expected trials of at least 3 lines"),
      ("", "expected trials of at least 3 lines, got 0 lines"),
  )
  def test_malformed_files_are_named(self, text, message):
    with self.assertRaisesRegex(ValueError, message):
      parse(text)

  def test_bad_fraction(self):
    with self.assertRaisesRegex(ValueError, "train_fraction must be between 0 and 1, got 1.0"):
      RealPendulumConfig(name="bad", train_fraction=1.0)
