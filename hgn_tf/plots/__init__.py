"""Figures, from arrays to files: one module per topic."""
