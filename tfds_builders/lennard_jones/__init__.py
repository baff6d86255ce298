"""The lennard_jones dataset."""

from tfds_builders.lennard_jones.lennard_jones_dataset_builder import Builder, LennardJonesConfig

__all__ = ["Builder", "LennardJonesConfig"]
