"""The phase_space dataset."""

from tfds_builders.phase_space.phase_space_dataset_builder import Builder, PhaseSpaceConfig

__all__ = ["Builder", "PhaseSpaceConfig"]
