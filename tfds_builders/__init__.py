"""TFDS builders; importing this package registers them all."""

from tfds_builders import (
    charged_particle,
    double_pendulum,
    henon_heiles,
    lennard_jones,
    mass_spring,
    matching_pennies,
    pendulum,
    phase_space,
    pixel_pendulum,
    real_pendulum,
    rock_paper_scissors,
    three_body,
    two_body,
    video_folder,
)

__all__ = ["charged_particle", "double_pendulum", "henon_heiles", "lennard_jones", "mass_spring", "matching_pennies",
           "pendulum", "phase_space", "pixel_pendulum", "real_pendulum", "rock_paper_scissors", "three_body",
           "two_body", "video_folder"]
