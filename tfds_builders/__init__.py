"""TFDS builders; importing this package registers them all."""

from tfds_builders import (
    mass_spring,
    pendulum,
    phase_space,
    pixel_pendulum,
    real_pendulum,
    three_body,
    two_body,
    video_folder,
)

__all__ = ["mass_spring", "pendulum", "phase_space", "pixel_pendulum", "real_pendulum", "three_body", "two_body",
           "video_folder"]
