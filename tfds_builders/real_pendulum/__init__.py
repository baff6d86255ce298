"""The real_pendulum dataset."""

from tfds_builders.real_pendulum.real_pendulum_dataset_builder import Builder, RealPendulumConfig

__all__ = ["Builder", "RealPendulumConfig"]
