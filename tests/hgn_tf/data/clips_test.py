"""One's own clips as films: what is read of them, and what is refused."""

import pathlib
import tempfile

import imageio.v3 as imageio
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from hgn_tf.data import clips

SIZE = 16


def movie(length=12, height=24, width=40):
  """A bright square that moves by a pixel a frame on a dark ground, uint8 [length, height, width, 3]."""
  frames = np.full((length, height, width, 3), 40, np.uint8)
  for number, frame in enumerate(frames):
    frame[8:16, 8 + number:16 + number] = 200
  return frames


def small(frames):
  """Square frames as Pillow shrinks them, in [0, 1]."""
  size = (SIZE, SIZE)
  return np.stack([Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR) for frame in frames]) / 255.0


def written(frames, name="clip.gif", **options):
  path = pathlib.Path(tempfile.mkdtemp()) / name
  imageio.imwrite(path, frames, **options)
  return path


def read(path, at_least=4, at_most=100):
  return clips.read_clip(path, SIZE, at_least=at_least, at_most=at_most)


class ClipsTest(parameterized.TestCase, tf.test.TestCase):

  def test_the_square_in_the_middle_small_and_in_the_unit_interval(self):
    frames = read(written(movie(), duration=100))
    self.assertEqual((frames.shape, frames.dtype), ((12, SIZE, SIZE, 3), np.float32))
    self.assertAllClose(frames, small(movie()[:, :, 8:32]), atol=0.02)

  def test_a_video(self):
    frames = read(written(movie(20, 64, 64), "clip.mp4", fps=20, codec="libx264"))
    self.assertEqual(frames.shape, (20, SIZE, SIZE, 3))
    self.assertAllClose(frames, small(movie(20, 64, 64)), atol=0.1)

  def test_no_more_than_what_is_asked_for(self):
    self.assertLen(read(written(movie(30), duration=100), at_most=7), 7)

  @parameterized.parameters(
      (lambda: written(movie(3), duration=100), r"clip\.gif must have at least 4 frames, got 3\."),
      (lambda: written(movie(height=8, width=9), duration=100), "16x16 to 4096x4096 pixels, got 8x9"),
      (lambda: written(movie(), duration=[100] * 6 + [900] * 6), r"at equal times, got 0\.1 to 0\.9 seconds"))
  def test_what_is_refused(self, make, message):
    with self.assertRaisesRegex(ValueError, message):
      read(make())

  @parameterized.parameters("clip.gif", "clip.mp4")
  def test_what_cannot_be_read_is_named_without_its_folder(self, name):
    path = pathlib.Path(tempfile.mkdtemp()) / name
    path.write_bytes(b"no film" * 100)
    with self.assertRaisesRegex(ValueError, f"^{name} cannot be read: ") as caught:
      read(path)
    self.assertNotIn(str(path.parent), str(caught.exception))
