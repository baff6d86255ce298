import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
import tiny
from absl.testing import parameterized

from hgn_tf.evaluation import state_size


class StateSizeTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(({"mle": 0.3}, 1), ({"mle": 1.4}, 1), ({"mle": 2.11}, 2), ({"mle": 5.93}, 6), ({}, 1))
  def test_a_pair_for_each_dimension(self, found, pairs):
    self.assertEqual(state_size.pairs(found), pairs)

  def test_frames_are_of_all_films_and_at_different_times(self):
    frames = state_size.some_frames(tiny.DATASET, size=tiny.SIZE, data_dir=tiny.data_dir())
    self.assertEqual(frames.shape, (24 * tiny.FRAMES, 16, 16, 3))  # fewer than 3,000: all that there are
    self.assertLen(np.unique(frames.reshape(len(frames), -1), axis=0), len(frames))

  def test_a_ball_on_a_line_has_one_pair(self):
    found = state_size.find(tiny.DATASET, size=tiny.SIZE, data_dir=tiny.data_dir())
    self.assertEqual(found["pairs"], 1)
    self.assertBetween(found["mle"], 0.7, 1.5)

  @parameterized.parameters(0, 20)
  def test_films_without_motion_are_refused(self, different):
    folder = self.get_temp_dir()
    films = {"frames": np.full((5, 4, 16, 16, 3), 7, np.uint8)}
    films["frames"][..., :8, :, :] = 200
    films["frames"].reshape(20, -1)[:different, 5] = np.arange(different)
    features = tfds.features.FeaturesDict({"frames": tfds.features.Video(shape=(4, 16, 16, 3))})
    tfds.dataset_builders.store_as_tfds_dataset(
        name="still", version="1.0.0", features=features, data_dir=folder,
        split_datasets={"train": tf.data.Dataset.from_tensor_slices(films)})
    with self.assertRaisesRegex(ValueError, "dataset must have frames that differ, got 'still', whose 20 are"):
      state_size.find("still", size=16, data_dir=folder)


if __name__ == "__main__":
  tf.test.main()
