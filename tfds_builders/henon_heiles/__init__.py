"""The henon_heiles dataset."""

from tfds_builders.henon_heiles.henon_heiles_dataset_builder import Builder, HenonHeilesConfig

__all__ = ["Builder", "HenonHeilesConfig"]
