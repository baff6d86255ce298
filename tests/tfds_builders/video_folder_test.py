"""The video_folder dataset, on small clips made here."""

import contextlib
import io
import os
import pathlib
import tempfile
from unittest import mock

import imageio.v3 as imageio
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from tfds_builders import workers
from tfds_builders.video_folder import (
    Builder,
    VideoFolderConfig,
    framing,
    reading,
    video_folder_dataset_builder,
)

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


@pytest.mark.slow  # decoding workers import TensorFlow anew
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
    self.assertEqual(framing.crop_box("square", 24, 32), (0, 4, 24, 24))
    self.assertEqual(framing.crop_box("none", 24, 32), (0, 0, 24, 32))

  def test_one_video_is_cut_in_time(self):
    imageio.imwrite(self.videos / "one.gif", _movie(40))
    builder = _build(self.folder, hop=2)
    starts = {split: sorted(int(example["start"]) for example in tfds.as_numpy(builder.as_dataset(split=split)))
              for split in ("train", "test")}
    self.assertGreaterEqual(min(starts["test"]), max(starts["train"]) + 5)

  def swing(self, name, fps, seconds=2.0):
    """A video of a square that moves by 16 pixels a second."""
    times = np.arange(int(seconds * fps)) / fps
    imageio.imwrite(self.videos / name, _movie(round(16 * seconds), 32, 64)[np.floor(16 * times).astype(int)], fps=fps,
                    codec="libx264", out_pixel_format="yuv444p")

  def test_clips_of_other_rates_are_refused_or_picked_at_equal_times(self):
    for name, fps in (("fast.mp4", 64), ("middle.mp4", 32), ("slow.mp4", 16)):
      self.swing(name, fps)
    with self.assertRaisesRegex(ValueError, "per second: slow.mp4 16, middle.mp4 32, fast.mp4 64; set fps"):
      _build(self.folder)
    builder = _build(self.folder, fps=16, frame_stride=2, crop="none")
    films = {(example["video"].decode(), int(example["start"])): example for split in ("train", "test")
             for example in tfds.as_numpy(builder.as_dataset(split=split))}
    self.assertSetEqual(set(films), {("fast.mp4", 0), ("fast.mp4", 36), ("fast.mp4", 72), ("middle.mp4", 0),
                                     ("middle.mp4", 18), ("middle.mp4", 36), ("slow.mp4", 0), ("slow.mp4", 9),
                                     ("slow.mp4", 18)})
    for (video, start), film in films.items():
      self.assertAllClose(film["seconds"], 2 / 16)
      same = films["slow.mp4", start // {"fast.mp4": 4, "middle.mp4": 2, "slow.mp4": 1}[video]]
      self.assertAllClose(film["frames"], same["frames"], atol=20)
    with self.assertRaisesRegex(ValueError, "slow.mp4: fps=32 asks for more frames per second than there are"):
      _build(self.folder, fps=32)

  def test_seconds_are_those_of_the_videos(self):
    self.swing("a.mp4", 25)
    _write_images(self.videos / "b", _movie(12))
    examples = [example for split in ("train", "test")
                for example in tfds.as_numpy(_build(self.folder, frame_stride=2).as_dataset(split=split))]
    for example in examples:
      self.assertAllClose(example["seconds"], 2 / 25 if example["video"] == b"a.mp4" else np.nan)

  def test_fresh_workers_after_a_half_read_video(self):
    self.swing("a.mp4", 25)
    self.swing("b.mp4", 25)
    half_read = reading.frames(self.videos / "a.mp4")
    next(half_read)
    with (mock.patch.dict(os.environ, {"HGN_BUILD_WORKERS": "2"}), mock.patch.object(workers, "PATIENCE", 60.0),
          mock.patch.object(workers, "ordered_map", side_effect=workers.ordered_map) as spread):
      builder = _build(self.folder)
    self.assertEqual([call.kwargs["fresh"] for call in spread.call_args_list], [True] * 3)  # to measure, train and test
    self.assertEqual(builder.info.splits["train"].num_examples, 10)

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
      ("uneven", lambda folder: imageio.imwrite(folder / "s.gif", _movie(12), duration=[40] * 6 + [80] * 6), {},
       "s.gif has frames from 0.04 to 0.08 seconds apart; set fps"),
      ("one_bad_image", lambda folder: (_write_images(folder / "c", _movie(12)),
                                        (folder / "c" / "0007.png").write_text("none")), {}, "0007.png cannot be read"),
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

  def test_what_cannot_be_used_is_a_line_each_and_left_out_where_that_is_asked_for(self):
    _fill(self.videos)
    (self.videos / "bad.mp4").write_bytes(b"no video")
    imageio.imwrite(self.videos / "short.gif", _movie(4))
    with self.assertRaisesRegex(ValueError, "2 of 5 films cannot be used:\n.*bad.mp4 .*\n.*short.gif has 4 frames.*\n"
                                            "skip_unreadable=true"):
      _build(self.folder)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
      builder = _build(self.folder, skip_unreadable=True)
    self.assertRegex(said.getvalue(), "2 of 5 films cannot be used:\n.*bad.mp4 .*\n.*short.gif has 4 frames")
    self.assertEqual(sum(split.num_examples for split in builder.info.splits.values()), 7)

  def test_nothing_but_what_cannot_be_used(self):
    (self.videos / "bad.mp4").write_bytes(b"no video")
    with self.assertRaisesRegex(ValueError, "1 of 1 films cannot be used:\n.*bad.mp4 cannot be read"):
      _build(self.folder, skip_unreadable=True)

  def test_the_square_around_the_motion_is_that_of_all_films_and_is_stored(self):
    for number, first in enumerate((40, 70)):
      movie = np.random.default_rng(number).integers(0, 4, (12, 90, 160, 3), np.uint8)
      for i, frame in enumerate(movie):
        frame[30:40, first + i : first + i + 10] = 255
      imageio.imwrite(self.videos / f"{number}.gif", movie)
    examples = [example for split in ("train", "test")
                for example in tfds.as_numpy(_build(self.folder, crop="motion").as_dataset(split=split))]
    (top, left, side, same), = {tuple(example["crop"].tolist()) for example in examples}
    self.assertEqual(side, same)
    self.assertBetween(left, 25, 40)
    self.assertBetween(left + side, 91, 110)
    for example in examples:
      self.assertAllGreater(example["frames"].max(axis=(1, 2, 3)), 200)

  def test_long_films_do_not_wait_in_memory(self):
    imageio.imwrite(self.videos / "long.mp4", _movie(50), fps=10, codec="libx264")
    imageio.imwrite(self.videos / "short.mp4", _movie(20), fps=10, codec="libx264")
    found = [_build(self.folder, hop=1)]
    with mock.patch.object(video_folder_dataset_builder, "_AT_ONCE", 10 ** 4):
      found.append(_build(self.folder, hop=1))
    one, other = ([list(tfds.as_numpy(builder.as_dataset(split=split))) for split in ("train", "test")]
                  for builder in found)
    tf.nest.map_structure(self.assertAllEqual, one, other)

  def test_a_missing_folder_says_what_to_do(self):
    self.videos.rmdir()
    with self.assertRaisesRegex(AssertionError, "--manual_dir"):
      _build(self.folder)

  @parameterized.parameters(
      ({"num_steps": 0}, "num_steps must be an integer of at least 1"),
      ({"resolution": 20}, "resolution must be a multiple of 8, got 20"),
      ({"hop": 0}, "hop must be an integer of at least 1"),
      ({"crop": "round"}, 'crop must be "square", "motion", "none" or'),
      ({"crop": [0, 0, 0, 8]}, 'crop must be "square", "motion", "none" or'),
      ({"test_fraction": 0.0}, "test_fraction must be between 0 and 1"),
      ({"dt": -0.1}, "dt must be positive"),
      ({"fps": 0}, "fps must be positive and finite, got 0"),
      ({"fps": "30"}, "fps must be positive and finite, got '30'"),
      ({"ground": [0, 0, 256]}, "ground must be a colour"),
      ({"ground": "white"}, "ground must be a colour"),
      ({"ground": [0.5, 0, 0]}, "ground must be a colour"),
      ({"ground": None}, "ground must be a colour"),
      ({"crop": 5}, 'crop must be "square", "motion", "none" or'),
      ({"crop": ["0", 0, 8, 8]}, 'crop must be "square", "motion", "none" or'),
      ({"skip_unreadable": 1}, "skip_unreadable must be true or false, got 1"),
      ({"test_fraction": "0.2"}, "test_fraction must be between 0 and 1"),
  )
  def test_bad_fields_are_named(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      VideoFolderConfig(name="bad", **fields)
