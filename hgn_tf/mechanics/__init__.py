"""Hamiltonian mechanics: phase space, energies and their gradients, integrators as tables and one scan."""

import hgn_tf.mechanics.startup  # noqa: F401
