"""TFDS's own test case on the four simulated datasets."""

import os

import tensorflow_datasets as tfds

from tfds_builders.mass_spring import Builder as MassSpring
from tfds_builders.mass_spring import MassSpringConfig
from tfds_builders.pendulum import Builder as Pendulum
from tfds_builders.pendulum import PendulumConfig
from tfds_builders.three_body import Builder as ThreeBody
from tfds_builders.three_body import ThreeBodyConfig
from tfds_builders.two_body import Builder as TwoBody
from tfds_builders.two_body import TwoBodyConfig

_SMALL = {"num_train": 5, "num_test": 3, "num_steps": 4, "resolution": 32}


class MassSpringTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = MassSpring
  BUILDER_CONFIG_NAMES_TO_TEST = [MassSpringConfig(name="small", **_SMALL)]
  SPLITS = {"train": 5, "test": 3}
  EXAMPLE_DIR = os.path.dirname(__file__)


class PendulumTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = Pendulum
  BUILDER_CONFIG_NAMES_TO_TEST = [PendulumConfig(name="small", length=(0.8, 1.0), max_angle=(0.1, 0.5), **_SMALL)]
  SPLITS = {"train": 5, "test": 3}
  EXAMPLE_DIR = os.path.dirname(__file__)


class TwoBodyTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = TwoBody
  BUILDER_CONFIG_NAMES_TO_TEST = [TwoBodyConfig(name="small", colors="random", **_SMALL)]
  SPLITS = {"train": 5, "test": 3}
  EXAMPLE_DIR = os.path.dirname(__file__)


class ThreeBodyTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = ThreeBody
  BUILDER_CONFIG_NAMES_TO_TEST = [ThreeBodyConfig(name="small", friction=0.1, **_SMALL)]
  SPLITS = {"train": 5, "test": 3}
  EXAMPLE_DIR = os.path.dirname(__file__)


