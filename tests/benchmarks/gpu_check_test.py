"""The GPU check, on the CPU: what it measures is there, and differing losses are told."""

import pytest
import tensorflow as tf
import tiny
from absl import flags
from absl.testing import flagsaver

from benchmarks import gpu_check


class GpuCheckTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    if not flags.FLAGS.is_parsed():
      flags.FLAGS(["gpu_check"])
    self.enterContext(flagsaver.flagsaver(timed=1, device="cpu"))

  @pytest.mark.slow
  def test_the_same_training_has_the_same_losses(self):
    found = gpu_check.losses(tiny.config(), 3)
    table, agree = gpu_check.compared(found, gpu_check.losses(tiny.config(), 3))
    self.assertTrue(agree)
    self.assertIn("| first 3 steps, largest | 0.0e+00 |", table)
    self.assertGreater(len(set(found)), 1)

  def test_losses_that_differ_early_or_late_are_told(self):
    cpu = [100.0 - step for step in range(60)]
    self.assertTrue(gpu_check.compared([x + 0.1 for x in cpu], cpu)[1])
    self.assertFalse(gpu_check.compared([*cpu[:5], 1.05 * cpu[5], *cpu[6:]], cpu)[1])
    self.assertFalse(gpu_check.compared([*cpu[:40], *(1.2 * x for x in cpu[40:])], cpu)[1])
    self.assertFalse(gpu_check.compared([*cpu[:-1], float("nan")], cpu)[1])

  def test_rollouts_are_measured_and_a_cpu_is_called_one(self):
    table = gpu_check.rollout_times(tiny.config(), "CPU:0")
    self.assertLen(table.strip().splitlines(), 2 + 6)
    self.assertIn("no GPU was measured", gpu_check.described(gpu_check.chosen_device()))

  def test_without_a_gpu_nothing_is_measured_as_if_it_were_one(self):
    if tf.config.list_physical_devices("GPU"):
      self.skipTest("there is a GPU")
    with flagsaver.flagsaver(device="gpu"):
      with self.assertRaisesRegex(ValueError, "--device=gpu needs a GPU that TensorFlow sees"):
        gpu_check.chosen_device()
