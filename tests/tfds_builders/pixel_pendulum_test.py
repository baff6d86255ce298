"""The pixel_pendulum dataset."""

import hashlib
import os

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from tfds_builders.pixel_pendulum import Builder, PixelPendulumConfig, clips


class PixelPendulumTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [PixelPendulumConfig(name="small", num_train=3, num_test=2, num_steps=4)]
  SPLITS = {"train": 3, "test": 2}
  EXAMPLE_DIR = os.path.dirname(__file__)


class ClipsTest(tf.test.TestCase, parameterized.TestCase):

  def test_the_rod_points_where_the_angle_says(self):
    made = clips.make_clips("train", range(6), num_steps=20)
    self.assertEqual((made["frames"].shape, made["frames"].dtype), ((6, 21, 28, 28, 1), np.uint8))
    weight = made["frames"][..., 0].astype(np.float64)
    pixel = (np.arange(28) + 0.5) * clips.CROP / 28
    column = (weight.sum(axis=2) * pixel).sum(axis=-1) / weight.sum(axis=(2, 3)) - 85.0
    row = (weight.sum(axis=3) * pixel).sum(axis=-1) / weight.sum(axis=(2, 3)) - 30.0
    self.assertAllClose(np.arctan2(column, row), made["q"][..., 0], atol=0.05)

  def test_angles_and_energies(self):
    made = clips.make_clips("test", range(20), num_steps=10)
    self.assertAllInRange(made["q"][:, 0], -np.pi / 6, np.pi / 6)
    self.assertAllInRange(made["p"][:, 0], -1.0 / 3.0, 1.0 / 3.0)
    # The environment integrates by the symplectic Euler method: q_{t+1} - q_t = dt p_{t+1} / inertia.
    self.assertAllClose(np.diff(made["q"], axis=1), clips.DT * 3.0 * made["p"][:, 1:], atol=1e-12)
    self.assertAllClose(np.diff(made["p"], axis=1), -clips.DT * 5.0 * np.sin(made["q"][:, :-1]), atol=1e-12)
    drift = np.ptp(made["energy"], axis=1) / made["energy"].mean(axis=1)
    self.assertAllLess(drift, 0.3)

  def test_a_clip_does_not_know_its_neighbours(self):
    made = clips.make_clips("train", range(4), num_steps=3)
    alone = clips.make_clips("train", [2], num_steps=3)
    for name, values in alone.items():
      self.assertAllEqual(values[0], made[name][2])

  def test_golden(self):
    made = clips.make_clips("test", range(3), num_steps=30)
    states = np.round(1e6 * np.concatenate([made["q"], made["p"]])) + 0.0
    self.assertEqual(hashlib.sha256(states.astype(np.int64).tobytes()).hexdigest()[:16], "bb0218f212a943ec")

  @parameterized.parameters(
      ({"resolution": 171}, "resolution must be at most 170, got 171"),
      ({"num_train": 0}, "num_train must be an integer of at least 1"),
      ({"max_angle": 4.0}, "max_angle must be positive and at most pi, got 4.0"),
      ({"seed": 2**32}, "seed must be an integer in"),
  )
  def test_bad_fields_are_named(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      PixelPendulumConfig(name="bad", **fields)
