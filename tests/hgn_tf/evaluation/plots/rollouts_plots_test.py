"""Animations: as many frames as the longest sequence, the last of a shorter one held, in either format."""

import imageio.v3 as imageio
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.evaluation.plots import rollouts


class AnimationTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters("gif", "png")
  def test_frames(self, suffix):
    path = f"{self.get_temp_dir()}/films.{suffix}"
    films = np.ones((2, 4, 8, 8, 3)) * np.array([0.0, 0.2, 0.6, 1.0])[:, None, None, None]
    rollouts.animation(path, [("long", films), ("short", films[:, :3])], scale=2)
    frames = imageio.imread(path, index=...)[..., :3]
    self.assertEqual(frames.shape, (4, 18 + 2 * 20, 40, 3))
    self.assertAllClose(frames[:, 30, 10, 0], [0, 51, 153, 255], atol=2)
    self.assertAllClose(frames[:, 30, 30, 0], [0, 51, 153, 153], atol=2)


if __name__ == "__main__":
  tf.test.main()
