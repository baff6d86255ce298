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
    errors[0, 4], errors[1, 2] = 0.03, 0.5
    found = follow_up.Rollout(errors, squares, trivial=0.1, seen=1).figures()
    self.assertEqual(found, {"vpt": 3.0, "half": (6 + 2 + 6) / 3})


if __name__ == "__main__":
  tf.test.main()
