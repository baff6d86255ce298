"""Nested lists of a request: the quick way of pixels takes and refuses what NumPy's does."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from export.server import tensors

_PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 3), np.uint8)


class NumbersTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      *((_PIXELS.reshape(shape),) for shape in ((2, 3, 4, 5, 3), (360,), (1, 360), (360, 1))),
      (np.zeros((2, 3), np.uint8),), (np.ones((2, 3), np.uint8),), (np.zeros((2, 0), np.uint8),), (np.uint8(7),))
  def test_pixels(self, array):
    found = tensors.numbers(array.tolist(), np.dtype("uint8"))
    self.assertEqual((found.dtype, found.shape), (np.uint8, array.shape))
    self.assertAllEqual(found, array)

  def test_the_quick_way_is_taken(self):
    self.assertAllEqual(tensors._pixels(_PIXELS.tolist()), _PIXELS)

  @parameterized.parameters(
      ([[1, 2], [3]], "inhomogeneous"), ([[1, 2], 3], "inhomogeneous"), ([[1, 2], [3, [4]]], "inhomogeneous"),
      ([[7, 256]], r"must lie in \[0, 255\]"), ([[7, -1]], r"must lie in \[0, 255\]"), ([[7, 2**70]], "no uint8"),
      ([[7, 1.5]], "no uint8"), ([[7, 2.0]], "no uint8"), ([[True, False]], "no uint8"), ([[7, None]], "no uint8"),
      (["ab", "cd"], "no uint8"), ([[7, "a"]], "no uint8"), ([{"a": 1}], "no uint8"), ("ab", "no uint8"))
  def test_refusals(self, value, message):
    with self.assertRaisesRegex(ValueError, message):
      tensors.numbers(value, np.dtype("uint8"))

  def test_other_types(self):
    self.assertAllEqual(tensors.numbers([[1, 2.5]], np.dtype("float32")), np.float32([[1, 2.5]]))
    with self.assertRaisesRegex(ValueError, "no int32"):
      tensors.numbers([1.5], np.dtype("int32"))


if __name__ == "__main__":
  tf.test.main()
