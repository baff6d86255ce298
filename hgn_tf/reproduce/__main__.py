"""python -m hgn_tf.reproduce: the same as hgn-reproduce."""

from hgn_tf.reproduce import run

if __name__ == "__main__":
  run()
