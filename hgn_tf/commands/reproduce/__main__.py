"""python -m hgn_tf.reproduce: the same as hgn-reproduce."""

from hgn_tf.commands.reproduce import run

if __name__ == "__main__":
  run()
