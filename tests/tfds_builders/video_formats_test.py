"""What people have: files of many formats, each made by an encoder that shares no code with what reads them."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from tfds_builders.video_folder import clips, motion, reading, sequences

HEIGHT, WIDTH, FRAMES, FPS = 26, 38, 7, 25


def film(height=HEIGHT, width=WIDTH):
  """A red square that moves right before a green wall: uint8 [FRAMES, H, W, 3]."""
  frames = np.empty((FRAMES, height, width, 3), np.uint8)
  frames[:] = 20, 120, 60
  for i in range(FRAMES):
    frames[i, 8:18, 4 * i : 4 * i + 10] = 230, 40, 40
  return frames


def ffmpeg(path, *options, frames=None, before=()):
  """Encodes frames by the program ffmpeg."""
  frames = film() if frames is None else frames
  size = f"{frames.shape[2]}x{frames.shape[1]}"
  subprocess.run(["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r",
                  str(FPS), *before, "-i", "-", *options, str(path)], input=frames.tobytes(), check=True)


_H264 = ("-c:v", "libx264", "-qp", "4")
_PALETTE = ("-filter_complex", "split[a][b];[a]palettegen[p];[b][p]paletteuse")
_FILES = {  # name: options of ffmpeg
    "h264.mp4": (*_H264, "-pix_fmt", "yuv444p"),
    "h264 of 10 bits.mkv": (*_H264, "-pix_fmt", "yuv444p10le"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=error:lossless=1", "-pix_fmt", "yuv444p"),
    "prores.mov": ("-c:v", "prores_ks", "-pix_fmt", "yuv444p10le"),
    "mjpeg.avi": ("-c:v", "mjpeg", "-q:v", "1", "-pix_fmt", "yuvj444p"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-q:v", "1", "-pix_fmt", "yuv420p"),
    "mpeg1.mpg": ("-c:v", "mpeg1video", "-q:v", "1", "-pix_fmt", "yuv420p"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-crf", "4", "-b:v", "0", "-deadline", "realtime", "-pix_fmt", "yuv444p"),
    "ffv1 of 16 bits.mkv": ("-c:v", "ffv1", "-pix_fmt", "gbrp16le"),
    "palette.gif": _PALETTE,
    "animated.webp": ("-c:v", "libwebp_anim", "-lossless", "1", "-loop", "0"),
    "animated.png": ("-f", "apng"),
}


@unittest.skipUnless(shutil.which("ffmpeg"), "needs the program ffmpeg")
class FormatsTest(parameterized.TestCase, tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

  def shown(self, path):
    return np.stack([frame for _, frame in reading.frames(path)])

  def check(self, path, expected, tolerance=12.0):
    found = self.shown(path)
    self.assertEqual(found.shape, expected.shape)
    self.assertLess(np.abs(found - np.float32(expected)).mean(), tolerance)
    squares = found[..., 0].astype(int) - found[..., 1] > 60  # where it is red
    truth = expected[..., 0].astype(int) - expected[..., 1] > 60
    self.assertLess(np.mean(squares != truth), 0.05)

  @parameterized.parameters(*_FILES)
  def test_videos_and_animations(self, name):
    path = self.folder / name
    ffmpeg(path, *_FILES[name])
    self.assertEqual(sequences.find_sequences(self.folder), [path])
    self.check(path, film())
    times = clips.measure(path).times
    self.assertAllClose(times - times[0], np.arange(FRAMES) / FPS, atol=6e-3)

  @parameterized.parameters(("gray.mp4", (*_H264, "-pix_fmt", "gray")),
                            ("gray.mkv", ("-c:v", "ffv1", "-pix_fmt", "gray16le")))
  def test_grey_videos(self, name, options):
    ffmpeg(self.folder / name, *options)
    found = self.shown(self.folder / name)
    self.assertAllEqual(found[..., 0], found[..., 2])
    grey = film() @ np.array([0.299, 0.587, 0.114])
    self.assertLess(np.abs(found[..., 0] - grey).mean(), 6.0)

  @parameterized.parameters("rgb24", "rgb48be", "rgba", "pal8", "gray", "gray16be")
  def test_image_sequences(self, kind):
    (self.folder / "c").mkdir()
    ffmpeg(self.folder / "c" / "frame%d.png", *(_PALETTE if kind == "pal8" else ("-pix_fmt", kind)))
    found = self.shown(self.folder / "c")
    grey = np.repeat((film() @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=-1)
    self.assertLess(np.abs(found - (grey if kind.startswith("gray") else np.float32(film()))).mean(), 6.0)

  @parameterized.parameters((33, 25), (64, 36), (36, 64))
  def test_odd_portrait_and_landscape(self, height, width):
    frames = film(height, width)
    ffmpeg(self.folder / "a.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0", frames=frames)
    self.check(self.folder / "a.mkv", frames, 1.0)

  def test_variable_frame_rate(self):
    ffmpeg(self.folder / "a.mp4", "-vf", "setpts='(N + 3 * gte(N, 4)) / 25 / TB'", "-fps_mode", "vfr", *_H264,
           "-pix_fmt", "yuv444p")
    times = clips.measure(self.folder / "a.mp4").times
    self.assertAllClose(times - times[0], np.array([0, 1, 2, 3, 7, 8, 9]) / 25, atol=2e-3)

  def test_names(self):
    for name in ("swing – Größe 1.MP4", "ブランコ.mov", "a b.mkv"):
      ffmpeg(self.folder / "x.mp4", *_H264, "-pix_fmt", "yuv444p")
      (self.folder / "x.mp4").rename(self.folder / name)
    found = sequences.find_sequences(self.folder)
    self.assertLen(found, 3)
    for path in found:
      self.check(path, film())

  def test_links_are_followed_and_links_to_nothing_named(self):
    elsewhere = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
    ffmpeg(elsewhere / "a.mp4", *_H264, "-pix_fmt", "yuv444p")
    (self.folder / "link.mp4").symlink_to(elsewhere / "a.mp4")
    (self.folder / "broken.mp4").symlink_to(elsewhere / "none.mp4")
    (self.folder / "round").symlink_to(self.folder)
    broken, link = sequences.find_sequences(self.folder)
    self.check(link, film())
    with self.assertRaisesRegex(ValueError, "broken.mp4 cannot be read"):
      clips.measure(broken)

  @parameterized.parameters(
      ("empty.mp4", b"", "cannot be read"), ("text.mp4", b"what I did on my holidays\n" * 20, "cannot be read"),
      ("empty.gif", b"", "cannot be read"), ("text.webp", b"RIFFtext" * 9, "cannot be read"))
  def test_what_is_no_film(self, name, content, message):
    (self.folder / name).write_bytes(content)
    path, = sequences.find_sequences(self.folder)
    with self.assertRaisesRegex(ValueError, f"{name} {message}"):
      clips.measure(path)

  def test_truncated_files(self):
    for name in ("h264.mp4", "palette.gif"):
      ffmpeg(self.folder / name, *_FILES[name], frames=np.tile(film(), (3, 1, 1, 1)))
      content = (self.folder / name).read_bytes()
      (self.folder / name).write_bytes(content[: len(content) // 2])
      with self.assertRaisesRegex(ValueError, f"{name} cannot be read"):
        clips.measure(self.folder / name)

  def test_tiny_pictures_and_many_channels(self):
    Image.fromarray(np.zeros((1, 1, 3), np.uint8)).save(self.folder / "0.png")
    with self.assertRaisesRegex(ValueError, "0.png has 1x1 pixels; at least 8x8 are expected"):
      clips.measure(self.folder)
    (self.folder / "0.png").unlink()
    ifd = {256: 8, 257: 8, 258: (8,) * 5, 259: 1, 262: 1, 273: 8, 277: 5, 278: 8, 279: 320}
    (self.folder / "0.tif").write_bytes(_tiff(ifd, bytes(320)))
    with self.assertRaisesRegex(ValueError, "0.tif cannot be read"):
      clips.measure(self.folder)

  def test_a_missing_number_is_named(self):
    for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11):
      Image.fromarray(film()[0]).save(self.folder / f"frame_{number}.png")
    with self.assertRaisesRegex(ValueError, "has no picture number 7 after frame_6.png"):
      clips.measure(self.folder)
    (self.folder / "frame_8.png").rename(self.folder / "frame_7.png")
    (self.folder / "frame_11.png").rename(self.folder / "frame_8.png")
    self.assertLen(clips.measure(self.folder).times, 10)

  def test_the_square_around_the_motion(self):
    noise = np.random.default_rng(0).integers(0, 4, (12, 90, 160, 3), np.uint8)
    for i in range(12):
      noise[i, 30:40, 60 + 3 * i : 70 + 3 * i] = 200
    ffmpeg(self.folder / "a.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0", frames=noise)
    found = clips.measure(self.folder / "a.mkv", moving=True)
    top, left, side, same = motion.box(found.variance, 90, 160)
    self.assertEqual(side, same)
    self.assertBetween(side, 40, 70)
    self.assertBetween(left, 40, 60)
    self.assertBetween(left + side, 100, 120)
    self.assertBetween(top + side / 2, 31, 39)

  def test_a_still_film_has_the_largest_square(self):
    self.assertEqual(motion.box(np.zeros((9, 16)), 90, 160), (0, 35, 90, 90))


def _tiff(tags, pixels):
  """A file of one uncompressed strip, whose pixels follow the header."""
  import struct
  entries, extra = b"", b""
  tags = {**tags, 273: 8}
  start = 8 + len(pixels)
  for tag, value in sorted(tags.items()):
    if isinstance(value, tuple):
      entries += struct.pack("<HHII", tag, 3, len(value), start + 2 + 12 * len(tags) + 4)
      extra += struct.pack(f"<{len(value)}H", *value)
    else:
      entries += struct.pack("<HHII", tag, 4, 1, value)
  return b"II*\0" + struct.pack("<I", start) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4) + extra


if __name__ == "__main__":
  tf.test.main()
