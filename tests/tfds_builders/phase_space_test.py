"""The phase_space dataset."""

import os
import tempfile

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from hgn_tf.physics import phase_space_tasks
from tfds_builders.phase_space import Builder, PhaseSpaceConfig


class PhaseSpaceTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [PhaseSpaceConfig(name="small", task="two_body", num_train=5, num_test=3, points=7)]
  SPLITS = {"train": 5, "test": 3}
  EXAMPLE_DIR = os.path.dirname(__file__)


class PhaseSpaceRecordsTest(tf.test.TestCase, parameterized.TestCase):

  def test_records_are_the_arrays_of_the_task(self):
    builder = tfds.builder("phase_space/pendulum", data_dir=self.enter_context(tempfile.TemporaryDirectory()))
    builder.download_and_prepare()
    task = phase_space_tasks.make_task("pendulum")
    for split in ("train", "test"):
      examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
      order = np.argsort([example["x"][0, 0] for example in examples])
      expected = np.argsort(task[split]["x"][:, 0, 0])
      for field in ("x", "dx", "clean_x", "energy"):
        self.assertAllEqual(np.stack([examples[i][field] for i in order]), task[split][field][expected])
      self.assertAllEqual(examples[0]["t"], task[split]["t"])

  def test_configurations_are_the_experiments(self):
    self.assertEqual([config.name for config in Builder.BUILDER_CONFIGS],
                     ["mass_spring", "pendulum", "two_body", "three_body"])
    for config in Builder.BUILDER_CONFIGS:
      self.assertEqual(config.to_task(), phase_space_tasks.get_task(config.name))

  @parameterized.parameters(
      ({"name": "spring"}, "Unknown task 'spring'; known"),
      ({"task": "pendulum", "num_train": 0}, "num_train must be an integer of at least 1"),
      ({"task": "pendulum", "points": 1}, "points must be at least 2, got 1"),
      ({"task": "pendulum", "noise": -1.0}, "noise must be at least 0"),
      ({"task": "pendulum", "duration": 0.0}, "duration must be positive"),
      ({"task": "pendulum", "seed": -1}, "seed must be an integer in"),
  )
  def test_bad_fields_are_named(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      PhaseSpaceConfig(**{"name": "bad", **fields})
