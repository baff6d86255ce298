"""The datasets beyond the paper's four: their named configurations, and their records beside what the physics gives."""

import importlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from hgn_tf import physics
from tfds_builders import trajectories

_MORE = tuple(name for name in physics.SYSTEMS if name not in physics.PAPER)


def _config(name, **fields):
  """A small configuration of the dataset."""
  module = importlib.import_module(f"tfds_builders.{name}.{name}_dataset_builder")
  return type(module.Builder.BUILDER_CONFIGS[0])(
      **{"name": "small", "num_train": 3, "num_test": 2, "num_steps": 3, "resolution": 32, **fields})


class MoreSystemsTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*_MORE)
  def test_records_hold_what_the_physics_gives(self, name):
    config = _config(name, colors="random", friction=0.05)
    builder = tfds.builder(name, config=config, data_dir=self.get_temp_dir())
    builder.download_and_prepare()
    stored = list(tfds.as_numpy(builder.as_dataset(split="test")))
    made = physics.make_examples(config.spec(), "test", range(2))
    stored.sort(key=lambda example: example["energy"][0])
    order = np.argsort(made["energy"][:, 0])
    for example, i in zip(stored, order, strict=True):
      for feature in ("frames", "q", "p", "noisy_q", "energy", "colors"):
        self.assertAllEqual(example[feature], made[feature][i])
      self.assertEqual({k: float(v) for k, v in example["constants"].items()},
                       {k: float(v[i]) for k, v in made["constants"].items()})

  @parameterized.parameters(*physics.SYSTEMS)
  def test_named_configurations(self, name):
    module = importlib.import_module(f"tfds_builders.{name}.{name}_dataset_builder")
    first, *others = module.Builder.BUILDER_CONFIGS
    self.assertEqual(first.name, "full")
    self.assertEqual(first.spec(), physics.default_spec(name))
    for config in others:
      spec = config.spec()
      self.assertEqual(spec.control > 0.0, config.name == "control")
      if config.name == "control":
        continue
      self.assertEqual((config.num_train, config.num_test), (50_000, trajectories.SUITE["num_test"]), config.name)
      self.assertEqual((spec.num_steps, spec.resolution, spec.observation_noise), (255, 32, 0.0), config.name)
      self.assertEqual(spec.system.is_frictionless(), not config.name.endswith("friction"))

  @parameterized.parameters("mass_spring", "pendulum", "double_pendulum", "two_body")
  def test_the_suites_colours_come_with_varied_constants(self, name):
    spec = physics.default_spec(name)
    module = importlib.import_module(f"tfds_builders.{name}.{name}_dataset_builder")
    config = next(c for c in module.Builder.BUILDER_CONFIGS if c.name == "suite_colors")
    self.assertEqual(config.spec().colors, "random")
    varied = [key for key, value in config.spec().system.constants.items() if isinstance(value, tuple)]
    self.assertNotEmpty(varied)
    self.assertContainsSubset(varied, spec.system.CONSTANTS)


if __name__ == "__main__":
  tf.test.main()
