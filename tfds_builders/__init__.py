"""TFDS builders; importing this package registers them all."""

from tfds_builders import mass_spring

__all__ = ["mass_spring"]
