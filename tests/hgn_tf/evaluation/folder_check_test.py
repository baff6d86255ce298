"""What films say before a training: periods, dimensions and noise that are known; advice on good and bad folders."""

import json
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from hgn_tf.evaluation import folder_advice, folder_check, motion, state_size

_GOOD = {"films": 300, "sizes": ["64x64"], "frames": [62, 62], "rates": [25.0, 25.0], "even": True, "span": 31,
         "clips": 600, "too_short": 0, "period": 30.0, "with_period": 290, "motion": 0.5, "moving_share": 0.2,
         "box": [0, 0, 64, 64], "box_share": 1.0, "noise": 1e-5, "whole_picture": 1.0, "still_std": 0.0, "decay": 1.0,
         "mle": 1.2}


def swings(frames, period, amplitudes, size=32, noise=0.0, damping=0.0, seed=0):
  """A bright ball that swings before a dark ground, a film for each amplitude: [n, frames, size, size] in [0, 1]."""
  rng, t = np.random.default_rng(seed), np.arange(frames)
  y, x = np.mgrid[:size, :size]
  phases = rng.uniform(0, 6, (len(amplitudes), 1))
  places = amplitudes[:, None] * np.exp(-damping * t) * np.sin(2 * np.pi * t / period + phases)
  distance = (x - size / 2 - places[..., None, None]) ** 2 + (y - size / 2) ** 2
  return np.clip(0.2 + 0.7 * np.exp(-distance / 18) + noise * rng.standard_normal(distance.shape), 0, 1)


def write(folder, films):
  """Each film as a GIF."""
  for number, film in enumerate(films):
    first, *others = (Image.fromarray(np.rint(255 * frame).astype(np.uint8)) for frame in film)
    first.save(pathlib.Path(folder, f"{number}.gif"), save_all=True, append_images=others, duration=40)


class MotionTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(12.0, 20.0, 27.3)
  def test_period(self, period):
    film, = swings(80, period, np.array([9.0]))
    self.assertNear(motion.period(motion.recurrence(film)), period, 0.3)

  def test_films_shorter_than_a_period_have_none(self):
    film, = swings(31, 60.0, np.array([9.0]))
    self.assertTrue(np.isnan(motion.period(motion.recurrence(film))))

  def test_still_films(self):
    self.assertTrue(np.isnan(motion.period(motion.recurrence(np.ones((20, 8, 8))))))

  def test_noise(self):
    film, = swings(60, 20.0, np.array([9.0]), noise=0.02)
    self.assertNear(motion.noise(film), 0.02 ** 2, 0.2 * 0.02 ** 2)

  def test_decay(self):
    for damping, low, high in ((0.0, 0.9, 1.1), (0.02, 0.05, 0.5)):
      film, = swings(63, 21.0, np.array([9.0]), damping=damping)
      self.assertBetween(motion.decay(film), low, high)

  def test_dimensions(self):
    one = swings(10, 23.0, np.linspace(4, 10, 30), size=12).reshape(-1, 144)
    two = np.concatenate([one[:, :72], np.random.default_rng(1).permutation(one)[:, 72:]], axis=1)
    found = [motion.dimensions(frames) for frames in (one, two)]
    self.assertBetween(found[0]["mle"], 0.8, 1.5)
    self.assertBetween(found[1]["mle"], 1.6, 2.6)
    self.assertGreater(found[1]["two_nn"], found[0]["two_nn"])
    self.assertGreater(found[0]["participation"], 1.0)
    self.assertEqual(motion.dimensions(np.concatenate([one, one, one[:9]])), found[0])
    self.assertEqual(set(motion.dimensions(np.repeat(one[:20], 9, axis=0))), {"participation"})


class AdviceTest(parameterized.TestCase, tf.test.TestCase):

  def test_nothing_to_say(self):
    self.assertEqual(folder_advice.advice(_GOOD), ["Nothing speaks against training on these films."])
    self.assertEqual(state_size.pairs(_GOOD), 1)

  @parameterized.parameters(
      ({"period": 60.0}, "shorter than one period, 60 frames: use frame_stride 3"),
      ({"period": 5.0}, "A period has 5.0 frames"), ({"period": 5.0}, "show 6.2 periods"),
      ({"period": None, "with_period": 0}, "Hardly any film comes back"),
      ({"even": False}, "set fps"), ({"rates": [24.0, 60.0]}, "24 to 60 frames a second: set fps to 24"),
      ({"too_short": 4}, "4 films have fewer frames than the 31"), ({"decay": 0.3}, "dies away, to 30 %"),
      ({"whole_picture": 90.0, "still_std": 0.1}, "put the camera on a stand"),
      ({"box_share": 0.4}, "takes 40 % .* crop .motion"), ({"sizes": ["64x64", "32x64"]}, "have 2 sizes"),
      ({"noise": 0.02}, "more light"), ({"films": 1}, "There is one film"), ({"clips": 40}, "40 clips end to end"),
      ({"motion": 0.001}, "Nothing moves"))
  def test_each_trouble_is_named(self, change, message):
    self.assertRegex("\n".join(folder_advice.advice({**_GOOD, **change})), message)

  def test_the_commands_follow_the_advice(self):
    build, train = folder_advice.commands("F", {**_GOOD, "period": 60.0, "box_share": 0.3, "mle": 2.2}, 1)
    self.assertIn('"frame_stride": 3, "crop": "motion"', build)
    self.assertIn('"pairs": 2', train)
    self.assertNotIn("fps", build)
    build, _ = folder_advice.commands("F", {**_GOOD, "even": False, "rates": [29.97, 30.0]}, 1)
    self.assertIn('"fps": 29.97', build)


class FolderTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
    (self.folder / "films").mkdir()

  def check(self, **options):
    return folder_check.check(self.folder / "films", self.folder / "out", **options)

  def test_a_good_folder(self):
    write(self.folder / "films", swings(40, 20.0, np.linspace(5, 10, 6)))
    (self.folder / "films" / "bad.gif").write_bytes(b"")
    found, said, lines = self.check(num_steps=19)
    self.assertNear(found["period"], 20.0, 0.5)
    self.assertEqual((found["films"], found["frames"], found["clips"]), (6, [40, 40], 12))
    self.assertIn("1 films cannot be read", said[0])
    self.assertLen(lines, 2)
    self.assertEqual(json.loads((self.folder / "out" / "check.json").read_text())["figures"], found)
    page = (self.folder / "out" / "report.html").read_text()
    for text in ("bad.gif cannot be read", "data:image/png", "12 clips end to end"):
      self.assertIn(text, page)

  def test_a_folder_of_which_nothing_can_be_read(self):
    (self.folder / "films" / "bad.mp4").write_bytes(b"")
    found, said, lines = self.check()
    self.assertEqual((found, said, lines), (None, ["None of 1 films can be read."], []))
    self.assertIn("bad.mp4 cannot be read", (self.folder / "out" / "report.html").read_text())

  def test_an_empty_folder(self):
    with self.assertRaisesRegex(ValueError, "found none"):
      self.check()
    self.assertFalse((self.folder / "out" / "report.html").exists())

  def test_single_frames(self):
    (self.folder / "films" / "a").mkdir()
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(self.folder / "films" / "a" / "0.png")
    self.assertEqual(self.check()[0], None)


if __name__ == "__main__":
  tf.test.main()
