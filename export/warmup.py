"""Requests that TensorFlow Serving replays when it loads a version, so that no client pays for the set-up."""

import pathlib

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

WARMUP = "assets.extra/tf_serving_warmup_requests"
_FIELDS = {tf.float32: "float_val", tf.int32: "int_val", tf.uint8: "int_val"}


def write_warmup(path, model_name, signatures, batch_sizes):
  """Writes one PredictionLog per signature and batch size to `WARMUP` in the version at `path`.

  Args:
    path: directory of the SavedModel.
    model_name: that the server knows the model by.
    signatures: name -> common.Signature.
    batch_sizes: of the requests.
  """
  file = pathlib.Path(path) / WARMUP
  file.parent.mkdir(parents=True, exist_ok=True)
  with tf.io.TFRecordWriter(str(file)) as writer:
    for name, signature in signatures.items():
      for rows in batch_sizes:
        writer.write(_log(model_name, name, signature, rows).SerializeToString())


def _log(model_name, signature_name, signature, rows):
  request = predict_pb2.PredictRequest()
  request.model_spec.name, request.model_spec.signature_name = model_name, signature_name
  for name, spec in signature.inputs.items():
    request.inputs[name].CopyFrom(_filled([rows, *spec.shape[1:]], spec.dtype, signature.warmup.get(name, 0)))
  return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))


def _filled(shape, dtype, value):
  """A TensorProto full of `value`: one number stands for all, so that a record stays small."""
  proto = tf.compat.v1.make_tensor_proto(0, dtype, [])
  proto.Clear()
  proto.dtype = dtype.as_datatype_enum
  proto.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
  getattr(proto, _FIELDS[dtype]).append(value)
  return proto
