"""The rock_paper_scissors dataset."""

from tfds_builders.rock_paper_scissors.rock_paper_scissors_dataset_builder import Builder, RockPaperScissorsConfig

__all__ = ["Builder", "RockPaperScissorsConfig"]
