"""Hamiltonian flows and densities as TFP bijectors and distributions."""

import hgn_tf.mechanics.startup  # noqa: F401
