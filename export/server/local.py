"""The front ends of the development server: REST and gRPC over one Service."""

import concurrent.futures
import http.server
import threading

import grpc
from absl import logging
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from export.server import rest, rpc


class LocalServer:
  """REST and gRPC front ends of one Service.

  Args:
    service: service.Service.
    host: address to listen on.
    port, rest_port: 0 takes a free one.
    max_bytes: largest request.
    cors: let the pages of any web site ask over REST.

  Attributes:
    port, rest_port: that it listens on.
  """

  def __init__(self, service, *, host="127.0.0.1", port=0, rest_port=0, max_bytes=64 * 2**20, cors=False):
    self.service = service
    self._grpc, self.port = _grpc_server(service, host, port, max_bytes)
    self._http = _HTTPServer((host, rest_port), rest.handler(service, max_bytes, cors=cors))
    self.rest_port = self._http.server_address[1]
    self._http_thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

  def start(self):
    """Starts to answer."""
    self._grpc.start()
    self._http_thread.start()

  def stop(self, drain_seconds):
    """Stops listening, lets running requests end; returns whether they did in time."""
    stopped = self._grpc.stop(drain_seconds)
    self._http.shutdown()
    drained = self.service.drain(drain_seconds)
    stopped.wait(drain_seconds)
    self._http.server_close()
    return drained


class _HTTPServer(http.server.ThreadingHTTPServer):
  daemon_threads = True
  block_on_close = False  # drain waits for requests; a connection that idles must not keep the server
  request_queue_size = 128

  def handle_error(self, request, client_address):
    """A client that went away is no error of the server."""
    logging.debug("connection of %s broke", client_address)


def _grpc_server(service, host, port, max_bytes):
  server = grpc.server(concurrent.futures.ThreadPoolExecutor(64), options=[
      ("grpc.max_receive_message_length", max_bytes), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)])
  prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(rpc.PredictionService(service), server)
  model_service_pb2_grpc.add_ModelServiceServicer_to_server(rpc.ModelService(service), server)
  try:
    return server, server.add_insecure_port(f"{host}:{port}")
  except RuntimeError as error:
    raise ValueError(f"cannot listen on {host}:{port} for gRPC: {error}") from error
