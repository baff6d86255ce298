"""The follow-up's valid prediction time."""

import numpy as np
import tensorflow as tf

from hgn_tf.evaluation import follow_up, metrics


class FramesRightTest(tf.test.TestCase):

  def test_counts_beyond_what_was_seen(self):
    squares = np.full((4, 10), 2.0)
    errors = np.full((4, 10), 0.04)
    errors[0, 3] = 0.06  # within what was seen
    errors[1, 7] = 0.06
    errors[2, 5] = 0.06
    self.assertAllEqual(metrics.frames_right(errors, squares, seen=5), [5, 2, 0, 5])
    self.assertAllEqual(metrics.frames_right(errors, squares), [3, 7, 5, 10])
    self.assertAllEqual(metrics.frames_right(errors, squares, share=0.01), [0, 0, 0, 0])

  def test_of_a_rollout(self):
    squares = np.ones((3, 6))
    errors = np.zeros((3, 6))
    errors[0, 5], errors[1, 2] = 0.035, 0.5
    mean_image = np.full((3, 6), 0.1) - 0.08 * (np.arange(6) < 3)
    found = follow_up.Rollout(errors, squares, mean_image, seen=1).figures()  # half of 0.06
    self.assertEqual(found, {"vpt": 4.0, "vpt_of_mean": 2.0, "half": (5 + 2 + 6) / 3})


if __name__ == "__main__":
  tf.test.main()
