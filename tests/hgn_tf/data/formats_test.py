"""One's own TFDS datasets, every file format that TFDS writes, every split that it reads."""

import itertools
import pathlib
import re
import tempfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
import tiny
from absl.testing import parameterized

from hgn_tf import data
from hgn_tf.data import truth
from hgn_tf.evaluation.evaluate import NO_WORLD, evaluate
from hgn_tf.models import HGN
from tfds_builders import mass_spring

_SHAPE = (tiny.FRAMES, tiny.SIZE, tiny.SIZE, 3)
_BYTES = [np.random.default_rng(i).integers(0, 256, _SHAPE, np.uint8) for i in range(5)]
_FLOATS = [np.float32(film) / 255.0 for film in _BYTES]


def store(feature, films, name="frames", splits=("train", "test")):
  """A folder with the dataset "my_films" as TFDS itself writes it; none of our code knows of it."""
  folder, examples = tempfile.mkdtemp(), [(i, {name: film}) for i, film in enumerate(films)]
  tfds.dataset_builders.store_as_tfds_dataset(
      name="my_films", version="1.0.0", data_dir=folder, features=tfds.features.FeaturesDict({name: feature}),
      split_datasets={split: examples for split in splits})
  return folder


def read(folder, **options):
  """All films of a split of "my_films", sorted."""
  batches = data.eval_batches("my_films", **{"batch_size": 2, "size": tiny.SIZE, "data_dir": folder, **options})
  return np.array(sorted(np.concatenate(list(batches.as_numpy_iterator())).tolist()), np.float32)


class OwnDatasetTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.named_parameters(
      ("bytes", tfds.features.Tensor(shape=_SHAPE, dtype=np.uint8), _BYTES),
      ("video", tfds.features.Video(shape=_SHAPE), _BYTES),
      ("video_of_any_length", tfds.features.Video(shape=(None, *_SHAPE[1:])), _BYTES),
      ("video_of_any_shape", tfds.features.Video(shape=(None, None, None, 3)), _BYTES),
      ("video_of_16_bits", tfds.features.Video(shape=_SHAPE, dtype=np.uint16), [np.uint16(257) * film
                                                                              for film in _BYTES]),
      ("images", tfds.features.Sequence(tfds.features.Image(shape=_SHAPE[1:]), length=tiny.FRAMES), _BYTES),
      ("floats", tfds.features.Tensor(shape=_SHAPE, dtype=np.float32), _FLOATS),
      ("doubles", tfds.features.Tensor(shape=_SHAPE, dtype=np.float64), [np.float64(film) for film in _FLOATS]),
      ("floats_of_any_shape", tfds.features.Tensor(shape=(None, None, *_SHAPE[2:]), dtype=np.float32, encoding="zlib"),
       _FLOATS),
  )
  def test_frames_in_unit_range(self, feature, films):
    self.assertAllClose(read(store(feature, films)), np.array(sorted(np.array(_FLOATS).tolist())), atol=1e-7)

  def test_films_of_different_lengths(self):
    films = [film[:tiny.FRAMES - i % 2] for i, film in enumerate(_BYTES)]
    folder = store(tfds.features.Video(shape=(None, *_SHAPE[1:])), films)
    self.assertEqual(read(folder, num_frames=tiny.FRAMES - 1).shape, (5, tiny.FRAMES - 1, *_SHAPE[1:]))
    with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "give num_frames where only their lengths differ"):
      read(folder)

  @parameterized.named_parameters(
      ("no_films", tfds.features.Tensor(shape=_SHAPE, dtype=np.uint8), _BYTES, {"name": "video"},
       "'my_films/1.0.0' has no feature `frames`.*it has: video"),
      ("pictures", tfds.features.Image(shape=_SHAPE[1:]), [film[0] for film in _BYTES], {},
       r"`frames` of 'my_films/1.0.0' must be \[frames, height, width, channels\].*of shape \(16, 16, 3\)"),
      ("whole_numbers", tfds.features.Tensor(shape=_SHAPE, dtype=np.int32), [np.int32(film) for film in _BYTES], {},
       "must be .* of uint8, uint16, .*got .*int32"),
      ("floats_to_255", tfds.features.Tensor(shape=_SHAPE, dtype=np.float32), [np.float32(film) for film in _BYTES], {},
       r"Float frames of 'my_films/1.0.0' must be in \[0, 1\], got 0 to 255"),
      ("not_a_number", tfds.features.Tensor(shape=_SHAPE, dtype=np.float32), [film * np.nan for film in _FLOATS], {},
       r"must be in \[0, 1\], got nan to nan"),
  )
  def test_what_is_no_film_is_named(self, feature, films, options, message):
    with self.assertRaisesRegex(ValueError, message):
      read(store(feature, films, **options))

  def test_floats_of_a_later_film_too(self):
    films = [film * (5.0 if i == 3 else 1.0) for i, film in enumerate(_FLOATS)]
    folder = store(tfds.features.Tensor(shape=_SHAPE, dtype=np.float32), films)
    with self.assertRaisesRegex((ValueError, tf.errors.InvalidArgumentError), "must be in .0, 1., got"):
      read(folder)

  def test_more_frames_than_there_are(self):
    with self.assertRaisesRegex(ValueError, "num_frames must be at most the 5 frames of the films in .*got 6"):
      read(store(tfds.features.Tensor(shape=_SHAPE, dtype=np.uint8), _BYTES), num_frames=6)

  @pytest.mark.slow
  def test_evaluation_needs_no_truth_and_says_so(self):
    folder = store(tfds.features.Video(shape=(None, *_SHAPE[1:])), _BYTES, splits=("train", "validation"))
    self.assertIsNone(data.spec("my_films", folder))
    out = pathlib.Path(tempfile.mkdtemp())
    figures = evaluate(HGN(tiny.config()), "my_films", out, splits=("train", "validation"), data_dir=folder)
    self.assertEqual(figures["validation"]["sequences"], 5)
    self.assertNotIn("noise_floor", figures["validation"])
    said = re.sub("base64,[^\"]*", "", (out / "report.html").read_text())  # without the pictures
    self.assertIn(NO_WORLD, said)
    self.assertNotIn("noise floor", said)
    self.assertNotIn("speed", said.replace(NO_WORLD, ""))


class SplitsTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(("train+test", 30), ("all", 30), ("train[:25%]+test[1:]", 11), ("test[3:4]", 1))
  def test_what_tfds_reads(self, split, count):
    batches = data.eval_batches(tiny.DATASET, batch_size=50, size=tiny.SIZE, split=split, data_dir=tiny.data_dir())
    self.assertLen(next(iter(batches)), count)
    self.assertLen(truth.load(tiny.DATASET, split=split, data_dir=tiny.data_dir()).q, count)

  @parameterized.parameters("train+nothing", "all[:5]", "train[:999]", "tr ain[", "train[:0]")
  def test_what_tfds_does_not(self, split):
    for load in (data.load_states, lambda *args, **options: data.eval_batches(
        *args, batch_size=1, size=tiny.SIZE, **options)):
      with self.assertRaisesRegex(ValueError, "Unknown split|holds no examples"):
        load(tiny.DATASET, split=split, data_dir=tiny.data_dir())


class FileFormatTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters("array_record", "parquet")
  @pytest.mark.slow
  def test_every_format_gives_the_same_batches_and_the_same_truth(self, file_format):
    found = [self.read(written) for written in ("tfrecord", file_format)]
    for expected, batches in zip(*found, strict=True):
      self.assertAllEqual(expected, batches)

  def read(self, file_format):
    folder = self.enterContext(tempfile.TemporaryDirectory())
    config = mass_spring.MassSpringConfig(name="x", num_train=230, num_test=110, num_steps=1, resolution=16)
    mass_spring.Builder(config=config, data_dir=folder, file_format=file_format).download_and_prepare(
        download_config=tfds.download.DownloadConfig(num_shards=2))
    options = dict(batch_size=32, size=16, data_dir=folder)
    batches = [np.array(list(itertools.islice(data.train_batches("mass_spring/x", start_step=step, **options), count)))
               for step, count in ((0, 9), (5, 4))]  # seven steps of an epoch
    self.assertAllEqual(batches[0][5:], batches[1])
    films = data.eval_batches("mass_spring/x", split="test[5:]+train", **options)
    world = truth.load("mass_spring/x", data_dir=folder)
    return [batches[0], np.concatenate(list(films)), world.q, world.constants["mass"]]


if __name__ == "__main__":
  tf.test.main()
