"""The charged_particle dataset."""

from tfds_builders.charged_particle.charged_particle_dataset_builder import Builder, ChargedParticleConfig

__all__ = ["Builder", "ChargedParticleConfig"]
