import itertools
import tempfile

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
import tiny
from absl.testing import parameterized

from hgn_tf import data
from tfds_builders import mass_spring


def batches(n, **changes):
  arguments = dict(batch_size=4, size=tiny.SIZE, seed=3, data_dir=tiny.data_dir())
  return [b.numpy() for b in itertools.islice(data.train_batches(tiny.DATASET, **{**arguments, **changes}), n)]


class TrainBatchesTest(tf.test.TestCase):

  def test_float_frames_in_unit_range(self):
    batch, = batches(1)
    self.assertEqual(batch.shape, (4, tiny.FRAMES, tiny.SIZE, tiny.SIZE, 3))
    self.assertEqual(batch.dtype, np.float32)
    self.assertBetween(batch.min(), 0.0, 1.0)
    self.assertGreater(batch.max(), 0.5)

  def test_same_seed_same_order_other_seed_other_order(self):
    self.assertAllEqual(batches(3), batches(3))
    self.assertNotAllEqual(batches(3), batches(3, seed=4))

  def test_start_step_continues_across_epochs(self):
    self.assertAllEqual(batches(15)[8:], batches(7, start_step=8))

  def test_an_epoch_holds_every_sequence_once_and_epochs_differ(self):
    epochs = np.concatenate(batches(12)).reshape(2, 24, -1)
    for epoch in epochs:
      self.assertLen(np.unique(epoch, axis=0), 24)
    self.assertNotAllEqual(*epochs)

  def test_fewer_frames(self):
    self.assertEqual(batches(1, num_frames=3)[0].shape[1], 3)

  def test_batch_larger_than_the_data(self):
    with self.assertRaisesRegex(ValueError, "batch_size must be at most the 24 examples.*got 25"):
      batches(1, batch_size=25)


class EvalBatchesTest(tf.test.TestCase):

  def test_one_pass_with_a_smaller_last_batch(self):
    found = list(data.eval_batches(tiny.DATASET, batch_size=4, size=tiny.SIZE, data_dir=tiny.data_dir()))
    self.assertEqual([len(batch) for batch in found], [4, 2])

  def test_states_belong_to_the_frames(self):
    self.check_states(tiny.DATASET, tiny.data_dir(), 6, tiny.FRAMES)

  def test_states_belong_to_the_frames_of_several_files(self):
    config = mass_spring.MassSpringConfig(name="files", num_train=2, num_test=40, num_steps=2, resolution=16)
    folder = self.enterContext(tempfile.TemporaryDirectory())
    mass_spring.Builder(config=config, data_dir=folder).download_and_prepare(
        download_config=tfds.download.DownloadConfig(num_shards=2))
    self.assertLen(tf.io.gfile.glob(f"{folder}/mass_spring/files/*/*-test.tfrecord-*"), 2)
    self.check_states("mass_spring/files", folder, 40, 3)

  def check_states(self, dataset, folder, films, length):
    states = data.load_states(dataset, data_dir=folder)
    self.assertEqual(states["q"].shape, (films, length, 1))
    frames, = data.eval_batches(dataset, batch_size=films, size=tiny.SIZE, data_dir=folder)
    columns = frames.numpy()[..., 0].max(axis=2).argmax(axis=-1)  # of the red ball
    self.assertGreater(np.corrcoef(columns.ravel(), states["noisy_q"].ravel())[0, 1], 0.95)


class ToFramesTest(parameterized.TestCase, tf.test.TestCase):

  def test_mean_of_blocks(self):
    stored = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8, 3), dtype=np.uint8)
    expected = stored.reshape(2, 3, 4, 2, 4, 2, 3).mean(axis=(3, 5)) / 255.0
    self.assertAllClose(data.to_frames(tf.constant(stored), 4), expected)

  def test_size_that_does_not_divide(self):
    with self.assertRaisesRegex(ValueError, "size must divide the stored frames' 8x8, got 3"):
      data.to_frames(tf.zeros((1, 2, 8, 8, 3), tf.uint8), 3)


class MissingTest(tf.test.TestCase):

  def test_unknown_dataset_lists_the_known(self):
    with self.assertRaisesRegex(ValueError, "Unknown dataset 'springs'; known: .*mass_spring.*two_body"):
      data.builder("springs", tiny.data_dir())

  def test_unbuilt_dataset_gives_the_command(self):
    with self.assertRaisesRegex(ValueError, "tfds build pendulum --imports=tfds_builders --data_dir="):
      data.builder("pendulum", tiny.data_dir())

  def test_unbuilt_config_gives_the_command(self):
    with self.assertRaisesRegex(ValueError, "'mass_spring/nothing' has not been built.*tfds build mass_spring"):
      data.builder("mass_spring/nothing", tiny.data_dir())

  def test_unknown_split(self):
    with self.assertRaisesRegex(ValueError, "Unknown split 'validation'.*known: .*test.*train"):
      data.eval_batches(tiny.DATASET, batch_size=1, size=tiny.SIZE, split="validation", data_dir=tiny.data_dir())
