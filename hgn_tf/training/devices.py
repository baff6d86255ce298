"""The devices or machines that train."""

import tensorflow as tf

STRATEGIES = {
    "one": tf.distribute.get_strategy,
    "mirrored": tf.distribute.MirroredStrategy,
    "multi_worker": tf.distribute.MultiWorkerMirroredStrategy,
}


def strategy(name):
  """The tf.distribute strategy of a name in `STRATEGIES`; "multi_worker" reads its cluster from TF_CONFIG.

  Raises:
    ValueError: unknown name.
  """
  if name not in STRATEGIES:
    raise ValueError(f"Unknown devices {name!r}; known: {', '.join(STRATEGIES)}.")
  return STRATEGIES[name]()


def is_chief(spread):
  """Whether this process writes the files of the strategy `spread`."""
  resolver = spread.cluster_resolver
  return resolver is None or resolver.task_type in (None, "chief") or (
      "chief" not in resolver.cluster_spec().jobs and resolver.task_id == 0)
