"""TFDS builders; importing this package registers them all."""

from tfds_builders import mass_spring, pendulum, three_body, two_body

__all__ = ["mass_spring", "pendulum", "three_body", "two_body"]
