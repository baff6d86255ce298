"""The gRPC calls of TensorFlow Serving that clients of these models use."""

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from export.server.loader import RequestError, describe
from export.server.service import check_rows, model_choice

_STATES = get_model_status_pb2.ModelVersionStatus.State


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer, model_service_pb2_grpc.ModelServiceServicer):
  """Predict, GetModelMetadata and GetModelStatus; the other methods answer UNIMPLEMENTED.

  Args:
    service: service.Service.
  """

  def __init__(self, service):
    self._service = service

  def Predict(self, request, context):  # noqa: N802
    return self._answer(predict, request, context)

  def GetModelMetadata(self, request, context):  # noqa: N802
    return self._answer(metadata, request, context)

  def GetModelStatus(self, request, context):  # noqa: N802
    return self._answer(status, request, context)

  def Classify(self, request, context):  # noqa: N802
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "These models answer Predict; models.config is read every second.")

  Regress = MultiInference = HandleReloadConfigRequest = Classify

  def _answer(self, function, request, context):
    """function(service, request), or the gRPC status of its RequestError."""
    try:
      with self._service.request(request.model_spec.name):
        return function(self._service, request)
    except RequestError as error:
      context.abort(grpc.StatusCode[error.code], str(error))


def predict(service, request):
  """PredictRequest to PredictResponse.

  Raises:
    RequestError: a request that cannot be answered.
  """

  def finish(number, name, outputs):
    unknown = sorted(set(request.output_filter) - set(outputs))
    if unknown:
      raise RequestError(f"output_filter names {', '.join(unknown)}; the outputs are {', '.join(sorted(outputs))}.")
    response = predict_pb2.PredictResponse()
    response.model_spec.name, response.model_spec.signature_name = request.model_spec.name, name
    response.model_spec.version.value = number
    for key in request.output_filter or outputs:
      response.outputs[key].CopyFrom(tf.make_tensor_proto(outputs[key]))
    return response

  return service.predict(request.model_spec, lambda *limits: _arrays(request.inputs, *limits), finish)


def _arrays(protos, signature, max_rows):
  """Arrays of TensorProtos. Shapes are checked first: a small message may declare a huge tensor."""
  return {name: _array(name, proto, signature.inputs.get(name), max_rows) for name, proto in protos.items()}


def _array(name, proto, info, max_rows):
  if info is None:
    raise RequestError(f"Unknown input {name!r}.")
  shape, wanted = [dim.size for dim in proto.tensor_shape.dim], [dim.size for dim in info.tensor_shape.dim]
  fits = len(shape) == len(wanted) and shape[1:] == wanted[1:] and shape[0] >= 0
  if proto.dtype != info.dtype or proto.tensor_shape.unknown_rank or not fits:
    raise RequestError(f"{name} must be {describe(info)}, got {_dtype_name(proto.dtype)} of shape {shape}.")
  check_rows(shape[0], max_rows)
  try:
    return tf.make_ndarray(proto)
  except (TypeError, ValueError, OverflowError) as error:
    raise RequestError(f"{name} cannot be read as {describe(info)}: {error}") from error


def _dtype_name(number):
  try:
    return tf.as_dtype(number).name
  except TypeError:
    return f"dtype {number}"


def metadata(service, request):
  """GetModelMetadataRequest to GetModelMetadataResponse.

  Raises:
    RequestError: no such model, or another field than signature_def.
  """
  if list(request.metadata_field) != ["signature_def"]:
    raise RequestError(f"metadata_field must be signature_def, got {list(request.metadata_field)}.")
  response = get_model_metadata_pb2.GetModelMetadataResponse()
  with service.registry.use(*model_choice(request.model_spec)) as (number, entry):
    signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=entry.model.signatures)
  response.model_spec.name, response.model_spec.version.value = request.model_spec.name, number
  response.metadata["signature_def"].Pack(signatures)
  return response


def status(service, request):
  """GetModelStatusRequest to GetModelStatusResponse.

  Raises:
    RequestError: no such model or version.
  """
  response = get_model_status_pb2.GetModelStatusResponse()
  for number, entry in service.registry.status(*model_choice(request.model_spec)).items():
    version = response.model_version_status.add(version=number, state=_STATES.Value(entry.state))
    version.status.error_code, version.status.error_message = (2 if entry.error else 0), entry.error
  return response
