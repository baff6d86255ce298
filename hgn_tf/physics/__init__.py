"""The worlds that HGN learns: NumPy and SciPy only, no TensorFlow."""

from hgn_tf.physics.generate import Spec, default_spec, example_chunks, make_examples
from hgn_tf.physics.render import render
from hgn_tf.physics.simulate import simulate
from hgn_tf.physics.systems import SYSTEMS, MassSpring, NBody, Pendulum, get_system

__all__ = ["SYSTEMS", "MassSpring", "NBody", "Pendulum", "Spec", "default_spec", "example_chunks", "get_system",
           "make_examples", "render", "simulate"]
