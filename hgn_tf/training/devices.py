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


def check_same_step(spread, step):
  """Raises a RuntimeError where the workers of the strategy `spread` restored checkpoints of different steps.

  A shared folder may show one machine an older state than the others.
  """
  steps = spread.run(lambda step: tf.cast(step, tf.int64), args=(step,))
  mean = float(spread.reduce(tf.distribute.ReduceOp.SUM, steps, axis=None)) / spread.num_replicas_in_sync
  own = [int(one) for one in spread.experimental_local_results(steps)]
  if any(one != mean for one in own):
    raise RuntimeError(f"The workers restored different checkpoints: step {own[0]} here, {mean:g} on average; start "
                       "all of them again.")
