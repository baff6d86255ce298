"""The matching_pennies dataset."""

from tfds_builders.matching_pennies.matching_pennies_dataset_builder import Builder, MatchingPenniesConfig

__all__ = ["Builder", "MatchingPenniesConfig"]
