"""The pendulum dataset."""

from tfds_builders.pendulum.pendulum_dataset_builder import Builder, PendulumConfig

__all__ = ["Builder", "PendulumConfig"]
