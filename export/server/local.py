"""The front ends of the development server: REST and gRPC over one Service."""

import concurrent.futures
import socket
import threading

import grpc
import uvicorn
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from uvicorn.protocols.http.h11_impl import H11Protocol

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

  Raises:
    OSError, ValueError: it cannot listen there.
  """

  def __init__(self, service, *, host="127.0.0.1", port=0, rest_port=0, max_bytes=64 * 2**20, cors=False):
    self.service = service
    self._grpc, self.port = _grpc_server(service, host, port, max_bytes)
    listener = socket.create_server((host, rest_port), backlog=128)
    self.rest_port = listener.getsockname()[1]
    self._http = uvicorn.Server(uvicorn.Config(
        rest.application(service, max_bytes), http=_Protocol, loop="asyncio", ws="none", lifespan="off",
        log_config=None, log_level="error", access_log=False, headers=list(rest.CORS.items()) if cors else []))
    self._http_thread = threading.Thread(target=self._http.run, args=([listener],), daemon=True)

  def start(self):
    """Starts to answer."""
    self._grpc.start()
    self._http_thread.start()

  def stop(self, drain_seconds):
    """Stops listening, lets running requests end; returns whether they did in time."""
    stopped = self._grpc.stop(drain_seconds)
    self._http.should_exit = True
    self._http_thread.join(drain_seconds)
    stopped.wait(drain_seconds)
    return not self._http_thread.is_alive() and not self.service.running


class _Protocol(H11Protocol):
  """HTTP/1.1, in which a client that ends its half of the connection gets its answer yet; uvicorn's own hangs up."""

  def eof_received(self):
    """Whether the connection stays open."""
    waiting = self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete
    if waiting:
      self.cycle.keep_alive = False
    return waiting


def _grpc_server(service, host, port, max_bytes):
  server = grpc.server(concurrent.futures.ThreadPoolExecutor(64), options=[
      ("grpc.max_receive_message_length", max_bytes), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)])
  servicer = rpc.Servicer(service)
  prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
  model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
  try:
    return server, server.add_insecure_port(f"{host}:{port}")
  except RuntimeError as error:
    raise ValueError(f"cannot listen on {host}:{port} for gRPC: {error}") from error
