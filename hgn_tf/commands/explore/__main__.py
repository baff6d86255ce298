"""python -m hgn_tf.explore: the same as hgn-explore."""

from hgn_tf.commands.explore.command import run

if __name__ == "__main__":
  run()
