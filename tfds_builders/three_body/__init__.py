"""The three_body dataset."""

from tfds_builders.three_body.three_body_dataset_builder import Builder, ThreeBodyConfig

__all__ = ["Builder", "ThreeBodyConfig"]
