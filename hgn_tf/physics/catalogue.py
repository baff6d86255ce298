"""Every system by its name, as its dataset has it."""

from hgn_tf.physics.double_pendulum import DoublePendulum
from hgn_tf.physics.games import MatchingPennies, RockPaperScissors
from hgn_tf.physics.lennard_jones import LennardJones
from hgn_tf.physics.planar import ChargedParticle, HenonHeiles
from hgn_tf.physics.systems import MassSpring, NBody, Pendulum

PAPER = ("mass_spring", "pendulum", "two_body", "three_body")  # of the HGN paper, appendix A.4
SYSTEMS = {
    "mass_spring": MassSpring(),
    "pendulum": Pendulum(),
    "two_body": NBody(),
    "three_body": NBody(bodies=3, radius=(0.9, 1.2), orbit_noise=0.2),
    "double_pendulum": DoublePendulum(),
    "charged_particle": ChargedParticle(),
    "henon_heiles": HenonHeiles(),
    "matching_pennies": MatchingPennies(),
    "rock_paper_scissors": RockPaperScissors(),
    "lennard_jones": LennardJones(),
}


def get_system(name):
  """The entry of `SYSTEMS` called `name`.

  Raises:
    ValueError: unknown name; the message lists the known ones.
  """
  if name not in SYSTEMS:
    raise ValueError(f"Unknown system {name!r}; known: {', '.join(sorted(SYSTEMS))}.")
  return SYSTEMS[name]
