"""What a replica does so that all of them together equal one device with the joint batch."""

import tensorflow as tf


def mean(tensors):
  """The mean over replicas of tensors, one or a list; in a replica."""
  if tf.distribute.get_strategy().num_replicas_in_sync == 1:
    return tensors
  return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, tensors)


def apply_gradients(optimizer, gradients, variables, clip_norm=None):
  """One step of `optimizer` with the mean gradient over replicas, clipped as a whole.

  Keras clips before it sums over replicas, which is not the gradient of the joint batch clipped.
  """
  gradients = mean(gradients)
  if clip_norm is not None:
    gradients, _ = tf.clip_by_global_norm(gradients, clip_norm)
  replicas = tf.distribute.get_strategy().num_replicas_in_sync
  optimizer.apply([gradient / replicas for gradient in gradients] if replicas > 1 else gradients, variables)


def rows_of_replica(draw, rows):
  """This replica's rows of draw(rows of all replicas): random numbers that do not depend on who draws them."""
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return draw(rows)
  first = context.replica_id_in_sync_group * rows
  return draw(context.num_replicas_in_sync * rows)[first:first + rows]


def loggable(values):
  """name -> scalar as Keras can reduce it: `fit` concatenates over machines, which scalars do not allow."""
  if tf.distribute.get_strategy().cluster_resolver is None or tf.distribute.get_strategy().num_replicas_in_sync == 1:
    return values
  return {name: tf.reshape(tf.convert_to_tensor(value), [1]) for name, value in values.items()}
