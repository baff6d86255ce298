"""Hamiltonian flows and densities as TFP bijectors and distributions."""

import hgn_tf.startup  # noqa: F401
