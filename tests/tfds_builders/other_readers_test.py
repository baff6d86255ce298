"""Whoever reads the records, with TFDS alone, gets the films: PyTorch, Grain, pandas, from any folder, of any slice."""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from absl.testing import parameterized

from hgn_tf import physics
from tfds_builders import mass_spring

pytestmark = pytest.mark.slow  # starts whole programs

_CONFIG = mass_spring.MassSpringConfig(name="small", num_train=20, num_test=2, num_steps=3, resolution=16)
_COUNT = 10  # of each split, at most
_SCRIPT = pathlib.Path(__file__).with_name("foreign_readers.py")


def _build(file_format):
  """A data_dir with what `tfds build --file_format=... --max_examples_per_split=10` writes."""
  folder = tempfile.mkdtemp()
  mass_spring.Builder(config=_CONFIG, data_dir=folder, file_format=file_format).download_and_prepare(
      download_config=tfds.download.DownloadConfig(max_examples_per_split=_COUNT))
  return folder


class OtherReadersTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    answers = pathlib.Path(tempfile.mkdtemp()) / "answers.npz"
    folders = [_build(file_format) for file_format in ("tfrecord", "array_record")]
    done = subprocess.run([sys.executable, str(_SCRIPT), *folders, str(answers)], cwd=answers.parent,
                          capture_output=True, text=True, timeout=300)
    if done.returncode:  # "imported ..." where a reader needed this project
      raise AssertionError(done.stderr)
    cls.found = dict(np.load(answers))
    cls.folder = pathlib.Path(folders[1]) / "mass_spring" / "small" / "1.0.0"
    cls.made = physics.make_examples(_CONFIG.spec(), "train", range(_COUNT))

  @parameterized.parameters(
      "data_source", "dataframe_of_a_source", "as_dataframe", "builder_from_directory", "split_slices",
      ("torch_loader", "torch", "readers"), ("grain_dataset", "grain", "dev"), ("grain_loader", "grain", "dev"))
  def test_gives_the_films_that_were_made(self, reader, package="tensorflow_datasets", extra=None):
    if importlib.util.find_spec(package) is None:
      self.skipTest(f"{package} is missing: pip install 'hgn_tf[{extra}]'")
    order = np.argsort(self.made["q"][:, 0, 0])
    for feature in ("frames", "q"):
      np.testing.assert_array_equal(self.found[f"{reader}/{feature}"], self.made[feature][order])
      self.assertEqual(self.found[f"{reader}/{feature}"].dtype, self.made[feature].dtype)

  def test_a_slice_of_a_partial_build(self):
    rows = self.found["slice_of_a_source/q"]
    self.assertEqual(rows.shape, (3, *self.made["q"].shape[1:]))
    self.assertLessEqual({row.tobytes() for row in rows}, {row.tobytes() for row in self.made["q"]})

  def test_frames_are_an_ordinary_tensor_on_disk(self):
    feature = tfds.builder_from_directory(str(self.folder)).info.features["frames"]
    self.assertIs(type(feature), tfds.features.Tensor)
    self.assertEqual(len(list(self.folder.glob("*.array_record*"))), 2)
