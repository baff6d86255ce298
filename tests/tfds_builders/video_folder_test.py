"""The video_folder dataset, on small clips made here."""

import pathlib
import tempfile

import imageio.v3 as imageio
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from tfds_builders.video_folder import Builder, VideoFolderConfig, clips

_SMALL = {"num_steps": 4, "resolution": 16}


def _movie(frames, height=24, width=32):
  """A bright square that moves right, one gray level per frame number beside it: uint8 [frames, H, W, 3]."""
  movie = np.zeros((frames, height, width, 3), np.uint8)
  for i in range(frames):
    movie[i] = 5 * i
    movie[i, 8:16, i % width : i % width + 8] = 255
  return movie


def _write_images(folder, movie):
  folder.mkdir()
  for i, frame in enumerate(movie):
    imageio.imwrite(folder / f"{i:04d}.png", frame)


def _fill(folder):
  """Three sequences: a GIF of 12 frames, a video of 11 and a folder of 15 images."""
  folder = pathlib.Path(folder)
  imageio.imwrite(folder / "a.gif", _movie(12))
  imageio.imwrite(folder / "b.mp4", _movie(11), fps=10, codec="libx264")
  _write_images(folder / "c", _movie(15))
  (folder / "notes.txt").write_text("not a video")


def _build(folder, **fields):
  builder = tfds.builder("video_folder", config=VideoFolderConfig(name="test", **{**_SMALL, **fields}),
                         data_dir=tempfile.mkdtemp(dir=folder))
  builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=pathlib.Path(folder, "videos")))
  return builder


class VideoFolderTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [VideoFolderConfig(name="small", seed=3, **_SMALL)]
  SPLITS = {"train": 4, "test": 3}

  @classmethod
  def setUpClass(cls):
    cls.EXAMPLE_DIR = cls.enterClassContext(tempfile.TemporaryDirectory())
    _fill(cls.EXAMPLE_DIR)
    super().setUpClass()


class VideoFolderRecordsTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.enter_context(tempfile.TemporaryDirectory())
    self.videos = pathlib.Path(self.folder, "videos")
    self.videos.mkdir()

  def test_every_clip_of_every_video_in_one_split(self):
    _fill(self.videos)
    builder = _build(self.folder)
    found = {split: {(example["video"].decode(), int(example["start"]))
                     for example in tfds.as_numpy(builder.as_dataset(split=split))} for split in ("train", "test")}
    self.assertEqual(found["train"] | found["test"], {
        ("a.gif", 0), ("a.gif", 5), ("b.mp4", 0), ("b.mp4", 5), ("c", 0), ("c", 5), ("c", 10)})
    self.assertEmpty({video for video, _ in found["train"]} & {video for video, _ in found["test"]})

  def test_frames_are_those_of_the_video_with_stride_and_crop(self):
    movie = _movie(30)
    _write_images(self.videos / "only", movie)
    builder = _build(self.folder, frame_stride=2, hop=9, crop=[4, 0, 16, 16])
    examples = {int(example["start"]): example for split in ("train", "test")
                for example in tfds.as_numpy(builder.as_dataset(split=split))}
    self.assertSetEqual(set(examples), {0, 9, 18})
    for start, example in examples.items():
      self.assertAllEqual(example["frames"], movie[start : start + 9 : 2, 4:20, :16])
      self.assertEqual(example["dt"], 0.125)

  def test_the_square_in_the_middle_is_kept_by_default(self):
    self.assertEqual(clips.crop_box("square", 24, 32), (0, 4, 24, 24))
    self.assertEqual(clips.crop_box("none", 24, 32), (0, 0, 24, 32))

  def test_one_video_is_cut_in_time(self):
    imageio.imwrite(self.videos / "one.gif", _movie(40))
    builder = _build(self.folder, hop=2)
    starts = {split: sorted(int(example["start"]) for example in tfds.as_numpy(builder.as_dataset(split=split)))
              for split in ("train", "test")}
    self.assertGreaterEqual(min(starts["test"]), max(starts["train"]) + 5)

  def test_grey_images_become_rgb(self):
    (self.videos / "grey").mkdir()
    for i in range(12):
      imageio.imwrite(self.videos / "grey" / f"{i}.png", np.full((16, 16), 10 * i, np.uint8))
    example = next(iter(tfds.as_numpy(_build(self.folder, num_steps=3).as_dataset(split="train"))))
    self.assertEqual(example["frames"].shape, (4, 16, 16, 3))

  @parameterized.named_parameters(
      ("empty", lambda folder: (folder / "notes.txt").write_text("no video"), {}, "must hold videos .* found none"),
      ("short", lambda folder: imageio.imwrite(folder / "s.gif", _movie(4)), {}, "s.gif has 4 frames; .* at least 5"),
      ("single", lambda folder: imageio.imwrite(folder / "s.gif", _movie(6)), {}, "s.gif gives 1 clips"),
      ("unreadable", lambda folder: (folder / "bad.mp4").write_bytes(b"no video"), {}, "bad.mp4 cannot be read"),
      ("crop", lambda folder: imageio.imwrite(folder / "s.gif", _movie(12)), {"crop": [0, 0, 40, 8]},
       r"s.gif: crop=\[0, 0, 40, 8\] reaches beyond frames of 24x32"),
  )
  def test_bad_folders_are_one_clear_error_and_leave_nothing(self, fill, fields, message):
    fill(self.videos)
    with self.assertRaisesRegex(ValueError, message):
      _build(self.folder, **fields)
    left = [path for path in pathlib.Path(self.folder).rglob("*") if path.is_file() and self.videos not in path.parents]
    self.assertEmpty(left)

  def test_a_missing_folder_says_what_to_do(self):
    self.videos.rmdir()
    with self.assertRaisesRegex(AssertionError, "--manual_dir"):
      _build(self.folder)

  @parameterized.parameters(
      ({"num_steps": 0}, "num_steps must be an integer of at least 1"),
      ({"resolution": 20}, "resolution must be a multiple of 8, got 20"),
      ({"hop": 0}, "hop must be an integer of at least 1"),
      ({"crop": "round"}, 'crop must be "square", "none" or'),
      ({"crop": [0, 0, 0, 8]}, 'crop must be "square", "none" or'),
      ({"test_fraction": 0.0}, "test_fraction must be between 0 and 1"),
      ({"dt": -0.1}, "dt must be positive"),
  )
  def test_bad_fields_are_named(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      VideoFolderConfig(name="bad", **fields)
