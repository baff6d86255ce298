"""The double_pendulum dataset."""

from tfds_builders.double_pendulum.double_pendulum_dataset_builder import Builder, DoublePendulumConfig

__all__ = ["Builder", "DoublePendulumConfig"]
