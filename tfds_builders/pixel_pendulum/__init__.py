"""The pixel_pendulum dataset."""

from tfds_builders.pixel_pendulum.pixel_pendulum_dataset_builder import Builder, PixelPendulumConfig

__all__ = ["Builder", "PixelPendulumConfig"]
