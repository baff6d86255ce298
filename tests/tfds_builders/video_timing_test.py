"""Rates of clips: compared, and picked at equal times."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tfds_builders.video_folder import timing

_RNG = np.random.default_rng(0)


class TimingTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      (np.arange(31) / 30, True), (np.round(np.arange(31) / 60, 3), True), (np.round(np.arange(31) / 240, 3), True),
      (np.arange(31) / 30 + _RNG.uniform(-1e-3, 1e-3, 31), True), (np.full(31, np.nan), True), (np.zeros(1), True),
      (np.delete(np.arange(31) / 30, 7), False), (np.cumsum([1 / 60] * 15 + [1 / 30] * 15), False),
      (np.zeros(31), False), (np.arange(31)[::-1] / 30, False))
  def test_even(self, times, expected):
    self.assertEqual(timing.is_even(times), expected)

  def test_rates_that_agree(self):
    timing.check_agreement({"a": np.arange(9) / 30, "b": np.arange(300) * 1.001 / 30, "c": np.full(9, np.nan)})

  def test_rates_that_do_not(self):
    for slow, fast in ((15, 60), (24, 25), (25, 30)):
      with self.assertRaisesRegex(ValueError, f"frames per second: b {slow}, a {fast}; set fps"):
        timing.check_agreement({"a": np.arange(20) / fast, "b": np.arange(20) / slow, "c": np.full(9, np.nan)})
    with self.assertRaisesRegex(ValueError, "a has frames from 0.1 to 0.2 seconds apart; set fps"):
      timing.check_agreement({"a": np.delete(np.arange(20) / 10, 5)})

  @parameterized.parameters((60, 15), (60, 60), (60, 59.94), (30, 10), (60, 25), (25, 24))
  def test_frames_nearest_to_equal_times(self, rate, fps):
    times = 3.0 + np.arange(121) / rate
    (numbers,), seconds = timing.pick(times, fps)
    self.assertAllGreater(np.diff(numbers), 0)
    self.assertAllClose(1.0 / seconds, fps, rtol=2e-2)
    self.assertAllLessEqual(np.abs(times[numbers] - 3.0 - np.arange(len(numbers)) * seconds), 0.5 / rate + 1e-9)
    if rate % fps == 0:
      self.assertAllEqual(numbers, np.arange(0, 121, rate // fps))

  def test_uneven_frames(self):
    times = np.cumsum([0.0] + [1 / 60] * 15 + [1 / 30] * 15)
    (numbers,), seconds = timing.pick(times, 10)
    self.assertAllClose(times[numbers], np.arange(len(numbers)) / 10, atol=0.5 / 30)
    self.assertEqual(seconds, 0.1)

  def test_a_pause_cuts_the_film(self):
    times = np.delete(np.arange(60) / 30, [7, 8, *range(20, 40)])
    for fps, runs in ((30, [range(7), range(9, 20), range(40, 60)]),
                      (10, [[0, 3, 6, 9, 12, 15, 18], [40, *range(42, 60, 3)]])):
      found, seconds = timing.pick(times, fps)
      self.assertEqual([np.rint(30 * times[run]).tolist() for run in found], [list(run) for run in runs])
      self.assertEqual(seconds, 1 / fps)

  def test_what_tells_no_time(self):
    (numbers,), seconds = timing.pick(np.full(5, np.nan), 25)
    self.assertAllEqual(numbers, range(5))
    self.assertEqual(seconds, 1 / 25)
    self.assertTrue(np.isnan(timing.pick(np.full(5, np.nan), None)[1]))

  def test_more_frames_than_there_are(self):
    with self.assertRaisesRegex(ValueError, "fps=30 asks for more frames per second .*: they are 0.06667 seconds"):
      timing.pick(np.arange(20) / 15, 30)


if __name__ == "__main__":
  tf.test.main()
