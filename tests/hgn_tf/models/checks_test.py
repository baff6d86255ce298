import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.models.checks import check_frames

_SHAPE = (3, 8, 8, 1)
_EXPECTED = r"frames must be float32 of shape \[batch, 3, 8, 8, 1\] with values in \[0, 1\], got "


def with_value(value):
  frames = np.full((2, *_SHAPE), 0.5, np.float32)
  frames[1, 2, 3, 4, 0] = value
  return frames


class CheckFramesTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(0, 1, 5)
  def test_good_frames_pass(self, batch):
    frames = np.random.default_rng(0).random((batch, *_SHAPE), np.float32)
    self.assertAllEqual(check_frames(frames, _SHAPE), frames)

  def test_both_ends_of_the_range_pass(self):
    for value in (0.0, 1.0):
      check_frames(with_value(value), _SHAPE)

  @parameterized.parameters(
      (np.zeros(_SHAPE, np.float32), r"shape \(3, 8, 8, 1\)"),
      (np.zeros((2, 4, 8, 8, 1), np.float32), r"shape \(2, 4, 8, 8, 1\)"),
      (np.zeros((2, 3, 8, 9, 1), np.float32), r"shape \(2, 3, 8, 9, 1\)"),
      (np.zeros((2, 3, 8, 8, 3), np.float32), r"shape \(2, 3, 8, 8, 3\)"),
      (np.zeros((2, *_SHAPE), np.uint8), "dtype uint8"),
      (np.zeros((2, *_SHAPE), np.float64), "dtype float64"),
      (with_value(1.01), "values from 0.5 to 1.0"),
      (with_value(-0.25), "values from -0.25 to 0.5"),
      (with_value(np.inf), "values from 0.5 to inf"),
      (with_value(np.nan), "values from nan to nan"))
  def test_bad_frames(self, frames, message):
    with self.assertRaisesRegex(ValueError, _EXPECTED + message):
      check_frames(frames, _SHAPE)

  def test_in_a_graph(self):
    def traced(spec):
      return tf.function(lambda x: check_frames(x, _SHAPE)).get_concrete_function(spec)

    self.assertEqual(traced(tf.TensorSpec(None)).structured_outputs.shape, (None, *_SHAPE))
    with self.assertRaisesRegex(ValueError, _EXPECTED + r"shape \(None, 3, 8, 9, 1\)"):
      traced(tf.TensorSpec((None, 3, 8, 9, 1)))
