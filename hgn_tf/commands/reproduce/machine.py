"""Where runs are made: the threads that TensorFlow uses, and words for it."""

import os


def use_threads(threads):
  """Limits TensorFlow to so many threads, None: one a core; returns words that say where runs are made."""
  import tensorflow as tf

  from hgn_tf.networks import precision  # slow: TensorFlow
  if threads:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
  threads = threads or len(os.sched_getaffinity(0))
  return f"{threads} CPU thread{'s' if threads > 1 else ''}, {precision.vector_instructions()}"
