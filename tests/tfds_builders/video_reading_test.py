"""What a file shows: upright, in RGB, in its order and at its times, whatever its format."""

import fractions
import gc
import io
import pathlib
import struct
import tempfile

import av
import imageio.v3 as imageio
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from tfds_builders.video_folder import clips, reading, sequences

_ONE, _LAST = 1 << 16, 1 << 30  # of a display matrix
_RED, _GREEN, _BLUE = (220, 30, 30), (30, 220, 30), (30, 30, 220)


def picture(height=24, width=32):
  """Black, but red in the upper left corner, green in the upper right one and blue in the lower right one."""
  image = np.zeros((height, width, 3), np.uint8)
  image[: height // 3, : width // 4] = _RED
  image[: height // 3, -(width // 4) :] = _GREEN
  image[-(height // 3) :, -(width // 4) :] = _BLUE
  return image


_ORIENTATIONS = {  # EXIF's number -> what is shown of what is stored, and the a, b, c, d of a video's display matrix
    1: (lambda image: image, (1, 0, 0, 1)),
    2: (lambda image: image[:, ::-1], (-1, 0, 0, 1)),
    3: (lambda image: image[::-1, ::-1], (-1, 0, 0, -1)),
    4: (lambda image: image[::-1], (1, 0, 0, -1)),
    5: (lambda image: image.transpose(1, 0, 2), (0, 1, 1, 0)),
    6: (lambda image: np.rot90(image, -1), (0, 1, -1, 0)),
    7: (lambda image: image[::-1, ::-1].transpose(1, 0, 2), (0, -1, -1, 0)),
    8: (lambda image: np.rot90(image), (0, -1, 1, 0)),
}


class ReadingTest(parameterized.TestCase, tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

  def shown(self, name, ground=(0, 0, 0)):
    """The frames of a file."""
    return np.stack([frame for _, frame in reading.frames(self.folder / name, ground)])

  def times(self, name):
    """The times of a file's frames, less that of the first."""
    found = clips.measure(self.folder / name).times
    return found - found[0]

  @parameterized.parameters(*_ORIENTATIONS)
  def test_pictures_stand_upright(self, number):
    exif = Image.Exif()
    exif[0x0112] = number
    expected = _ORIENTATIONS[number][0](picture())
    for name, options in (("a.jpg", {"quality": 100, "subsampling": 0}), ("a.png", {}), ("a.webp", {"lossless": True})):
      Image.fromarray(picture()).save(self.folder / name, exif=exif, **options)
      self.assertAllClose(self.still(name), expected, atol=8)

  @parameterized.parameters(*_ORIENTATIONS)
  def test_videos_stand_upright(self, number):
    imageio.imwrite(self.folder / "a.mp4", np.stack([picture()] * 3), fps=10, codec="libx264",
                    out_pixel_format="yuv444p")
    stored, (show, (a, b, c, d)) = (self.folder / "a.mp4").read_bytes(), _ORIENTATIONS[number]
    matrix = stored.index(b"tkhd") + 44
    entries = (a * _ONE, b * _ONE, 0, c * _ONE, d * _ONE, 0, 0, 0, _LAST)
    (self.folder / "a.mp4").write_bytes(stored[:matrix] + struct.pack(">9i", *entries) + stored[matrix + 36 :])
    found, expected = self.shown("a.mp4"), show(picture())
    self.assertEqual(found.shape, (3, *expected.shape))
    self.assertLess(np.abs(found - np.float32(expected)).mean(), 4.0)

  def still(self, name, ground=(0, 0, 0)):
    """What the folder shows of a picture."""
    folder = self.folder / "stills"
    folder.mkdir(exist_ok=True)
    (self.folder / name).rename(folder / name)
    frame, = (frame for _, frame in reading.frames(folder, ground))
    (folder / name).unlink()
    self.assertEqual(frame.dtype, np.uint8)
    return frame

  @parameterized.parameters(
      ("RGB", "png", 0), ("RGB", "bmp", 0), ("RGB", "tif", 0), ("P", "png", 0), ("P", "gif", 0), ("RGBA", "png", 0),
      ("CMYK", "tif", 2), ("CMYK", "jpg", 8), ("YCbCr", "jpg", 8))
  def test_colours(self, mode, suffix, tolerance):
    image = Image.fromarray(picture())
    image = image.quantize(colors=4) if mode == "P" else image.convert(mode)
    image.save(self.folder / f"a.{suffix}", **({"quality": 100, "subsampling": 0} if suffix == "jpg" else {}))
    self.assertAllClose(self.still(f"a.{suffix}"), picture(), atol=tolerance)

  def test_grey_of_1_8_and_16_bits(self):
    grey = np.arange(0, 256, dtype=np.uint8).reshape(16, 16)
    for name, values, expected in (
        ("1.png", grey > 100, 255 * (grey > 100)), ("8.png", grey, grey), ("16.png", np.uint16(grey) * 257, grey),
        ("16.tif", np.uint16(grey) * 257, grey), ("32.tif", np.int32(grey) * 257, grey)):
      Image.fromarray(values).save(self.folder / name)
      self.assertAllEqual(self.still(name), np.repeat(expected[..., None], 3, axis=2))

  @parameterized.parameters(((0, 0, 0),), ((255, 255, 255),), ((10, 20, 30),))
  def test_alpha_shows_the_ground(self, ground):
    hidden = np.full((8, 8, 4), 200, np.uint8)
    hidden[:4, :, 3], hidden[4:, :, 3] = 0, 51  # nothing, and a fifth
    Image.fromarray(hidden).save(self.folder / "a.png")
    found = self.still("a.png", ground)
    self.assertAllEqual(found[:4], np.broadcast_to(ground, (4, 8, 3)))
    self.assertAllClose(found[4:], np.broadcast_to(0.8 * np.array(ground) + 0.2 * 200, (4, 8, 3)), atol=1)
    Image.fromarray(hidden[..., 2:]).save(self.folder / "grey.png")  # grey and alpha
    self.assertAllEqual(self.still("grey.png", ground), found)
    Image.fromarray(hidden[..., 0]).save(self.folder / "key.png", transparency=200)
    self.assertAllEqual(self.still("key.png", ground), np.broadcast_to(ground, (8, 8, 3)))

  def test_alpha_of_videos_shows_the_ground(self):
    hidden = np.full((16, 16, 4), 200, np.uint8)
    hidden[:8, :, 3], hidden[8:, :, 3] = 0, 255
    with av.open(self.folder / "a.mov", "w") as container:
      stream = container.add_stream("png", rate=10, width=16, height=16, pix_fmt="rgba")
      for _ in range(3):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(hidden, format="rgba")))
      container.mux(stream.encode())
    found = self.shown("a.mov", (10, 20, 30))
    self.assertAllEqual(found[:, :8], np.broadcast_to((10, 20, 30), (3, 8, 16, 3)))
    self.assertAllEqual(found[:, 8:], np.full((3, 8, 16, 3), 200))

  def test_anamorphic_videos_are_as_wide_as_a_player_shows_them(self):
    with av.open(self.folder / "a.mp4", "w") as container:
      stream = container.add_stream("libx264", rate=10, width=32, height=24, pix_fmt="yuv444p")
      stream.codec_context.sample_aspect_ratio = fractions.Fraction(2)
      container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(), format="rgb24")))
      container.mux(stream.encode())
    found, = self.shown("a.mp4")
    self.assertEqual(found.shape, (24, 64, 3))
    self.assertLess(np.abs(found - np.float32(picture(24, 64))).mean(), 8.0)

  def test_times_of_frames_that_are_not_even(self):
    shown_at = [0, 40, 80, 200, 240]
    with av.open(self.folder / "a.mp4", "w") as container:
      stream = container.add_stream("libx264", rate=25, width=32, height=24, pix_fmt="yuv420p")
      stream.codec_context.time_base = fractions.Fraction(1, 1000)
      for milliseconds in shown_at:
        frame = av.VideoFrame.from_ndarray(picture(), format="rgb24")
        frame.pts, frame.time_base = milliseconds, fractions.Fraction(1, 1000)
        container.mux(stream.encode(frame))
      container.mux(stream.encode())
    self.assertAllClose(self.times("a.mp4"), np.array(shown_at) / 1000)

  @parameterized.parameters(
      ("a.gif", [0.0, 0.04, 0.08, 0.12]), ("a.webp", [0.0, 0.04, 0.08, 0.12]), ("a.png", [0.0, 0.04, 0.08, 0.12]),
      ("a.tif", [np.nan] * 4))
  def test_frames_of_one_file(self, name, times):
    films = [np.roll(picture(), 5 * i, axis=1) for i in range(4)]
    first, *others = map(Image.fromarray, films)
    timed = {} if name == "a.tif" else {"duration": 40, "lossless": True}
    first.save(self.folder / name, save_all=True, append_images=others, **timed)
    self.assertEqual(sequences.find_sequences(self.folder), [self.folder / name])
    self.assertAllClose(self.shown(name), films, atol=1)
    self.assertAllClose(self.times(name), times)

  @parameterized.parameters(15, 30, 60)
  def test_times_of_videos(self, fps):
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")):
      imageio.imwrite(self.folder / name, np.stack([picture()] * 6), fps=fps, codec=codec)
      self.assertAllClose(self.times(name), np.arange(6) / fps, atol=1e-3)

  def test_no_more_than_a_few_frames_are_in_memory(self):
    imageio.imwrite(self.folder / "a.mp4", np.stack([picture()] * 60), fps=10, codec="libx264")
    gc.collect()
    gc.disable()  # what only a garbage collection frees, frames of 25 MB say, comes too late
    self.addCleanup(gc.enable)
    most = 0
    for _ in reading.frames(self.folder / "a.mp4"):
      most = max(most, sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects()))
    self.assertBetween(most, 1, 20)

  def test_natural_order(self):
    for number in (1, 10, 11, 12, 2, 3):
      Image.fromarray(np.full((8, 8), number, np.uint8)).save(self.folder / f"Frame_{number}.png")
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(self.folder / "frame_9.png")
    self.assertAllEqual(self.shown(".")[:, 0, 0, 0], [1, 2, 3, 9, 10, 11, 12])

  def test_hidden_files_are_passed_by(self):
    (self.folder / "c").mkdir()
    (self.folder / "__MACOSX").mkdir()
    for i in range(3):
      Image.fromarray(picture()).save(self.folder / "c" / f"{i}.png")
      (self.folder / "c" / f"._{i}.png").write_bytes(b"\0\5\x16\7Mac OS X")
      Image.fromarray(picture()).save(self.folder / "__MACOSX" / f"{i}.png")
    (self.folder / "._c").write_bytes(b"\0\5\x16\7Mac OS X")
    self.assertEqual(sequences.find_sequences(self.folder), [self.folder / "c"])
    self.assertLen(clips.measure(self.folder / "c").times, 3)

  @parameterized.named_parameters(
      ("no_picture", lambda path: path.write_bytes(b"no picture")),
      ("half_a_picture", lambda path: path.write_bytes(_jpeg()[: len(_jpeg()) // 2])),
      ("floats", lambda path: Image.fromarray(np.zeros((8, 8), np.float32)).save(path, format="TIFF")),
  )
  def test_the_bad_picture_of_twelve_is_named(self, spoil):
    for i in range(12):
      Image.fromarray(picture()).save(self.folder / f"{i}.jpg")
    spoil(self.folder / "7.jpg")
    with self.assertRaisesRegex(ValueError, "/7.jpg cannot be read"):
      clips.measure(self.folder)

  def test_frames_that_change_their_size_are_named(self):
    for i in range(5):
      Image.fromarray(picture(24, 40 if i == 3 else 32)).save(self.folder / f"{i}.png")
    with self.assertRaisesRegex(ValueError, "/3.png has 24x40 pixels, those before it 24x32"):
      clips.measure(self.folder)
    first, *others = (Image.fromarray(picture(24, width)) for width in (32, 32, 40))
    first.save(self.folder / "a.tif", save_all=True, append_images=others)
    with self.assertRaisesRegex(ValueError, "Frame 2 of .*/a.tif has 24x40 pixels, those before it 24x32"):
      clips.measure(self.folder / "a.tif")

  def test_a_stack_among_stills_is_named(self):
    (self.folder / "c").mkdir()
    Image.fromarray(picture()).save(self.folder / "c" / "0.tif", save_all=True,
                                    append_images=[Image.fromarray(picture())])
    with self.assertRaisesRegex(ValueError, "c/0.tif holds 2 frames where one of the sequence .*/c is expected"):
      sequences.find_sequences(self.folder)


def _jpeg():
  file = io.BytesIO()
  Image.fromarray(picture()).save(file, format="JPEG")
  return file.getvalue()


if __name__ == "__main__":
  tf.test.main()
