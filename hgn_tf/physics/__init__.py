"""The worlds that HGN learns: NumPy and SciPy only, no TensorFlow."""

from hgn_tf.physics.catalogue import PAPER, SYSTEMS, get_system
from hgn_tf.physics.double_pendulum import DoublePendulum
from hgn_tf.physics.games import MatchingPennies, RockPaperScissors
from hgn_tf.physics.generate import Spec, default_spec, example_chunks, make_examples
from hgn_tf.physics.lennard_jones import LennardJones
from hgn_tf.physics.planar import ChargedParticle, HenonHeiles
from hgn_tf.physics.render import render
from hgn_tf.physics.simulate import simulate
from hgn_tf.physics.systems import MassSpring, NBody, Pendulum

__all__ = ["PAPER", "SYSTEMS", "ChargedParticle", "DoublePendulum", "HenonHeiles", "LennardJones", "MassSpring",
           "MatchingPennies", "NBody", "Pendulum", "RockPaperScissors", "Spec", "default_spec", "example_chunks",
           "get_system", "make_examples", "render", "simulate"]
