"""Hamiltonian flows and densities as TFP bijectors and distributions."""
