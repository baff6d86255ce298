"""The mass_spring dataset."""

from tfds_builders.mass_spring.mass_spring_dataset_builder import Builder, MassSpringConfig

__all__ = ["Builder", "MassSpringConfig"]
