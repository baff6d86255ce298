"""Sends sequences to a model server over gRPC, gets their future and their past, writes a GIF.

  python examples/client_grpc.py --model=hgn_mass_spring --frames=sequence.npz --out=grpc.gif
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

stderr = os.dup(2)
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where TensorFlow greets, whatever the log level is
try:
  import tensorflow as tf  # noqa: E402
finally:
  os.dup2(stderr, 2)

import grpc  # noqa: E402
from client_common import both_ways, parse_arguments, write_gif  # noqa: E402
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc  # noqa: E402


def predict(address, model, label, signature, inputs):
  """The outputs of one Predict call, by name, as arrays."""
  request = predict_pb2.PredictRequest()
  request.model_spec.name, request.model_spec.signature_name = model, signature
  if label:
    request.model_spec.version_label = label
  for name, array in inputs.items():
    request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
  options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]  # the default is 4 MB
  with grpc.insecure_channel(address, options) as channel:
    try:
      response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=300)
    except grpc.RpcError as error:
      raise SystemExit(f"error: {error.code().name}: {error.details()}") from error
  return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}


def main():
  args = parse_arguments(__doc__, "127.0.0.1:8500")
  write_gif(args.out, args.frames, predict(args.address, args.model, args.label, "rollout_uint8", both_ways(args)))


if __name__ == "__main__":
  main()
