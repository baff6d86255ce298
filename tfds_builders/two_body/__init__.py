"""The two_body dataset."""

from tfds_builders.two_body.two_body_dataset_builder import Builder, TwoBodyConfig

__all__ = ["Builder", "TwoBodyConfig"]
