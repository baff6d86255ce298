"""The front ends without a model: what does not depend on one."""

import http.client
import json
import socket
import tempfile

import tensorflow as tf

from export.server.local import LocalServer
from export.server.registry import Registry
from export.server.service import Service


class LocalServerTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.service = Service(Registry(self.enter_context(tempfile.TemporaryDirectory())))

  def serve(self, **options):
    server = LocalServer(self.service, **options)
    server.start()
    return server

  def ask(self, server, method, path, **options):
    """(HTTP code, error)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=60)
    connection.request(method, path, **options)
    with connection.getresponse() as response:
      return response.status, json.load(response)["error"]

  def test_stop_says_whether_all_requests_have_ended(self):
    self.assertTrue(self.serve().stop(30))
    server = self.serve()
    with self.service.request("model"):
      self.assertFalse(server.stop(0.3))
    with self.assertRaises(OSError):
      self.ask(server, "GET", "/v1/models/model")

  def test_a_port_that_is_taken(self):
    with socket.create_server(("127.0.0.1", 0)) as taken:
      port = taken.getsockname()[1]
      with self.assertRaisesRegex(OSError, "in use"):
        LocalServer(self.service, rest_port=port)
      with self.assertRaisesRegex(ValueError, f"cannot listen on 127.0.0.1:{port} for gRPC"):
        LocalServer(self.service, port=port)

  def test_a_body_in_pieces_is_measured_as_it_comes(self):
    server = self.serve(max_bytes=1000)
    for pieces, expected in ((20, 404), (21, 429)):
      body = (b'{"inputs": [' + b" " * 38, *[b" " * 50] * (pieces - 2), b" " * 48 + b"]}")
      code, error = self.ask(server, "POST", "/v1/models/model:predict", body=iter(body), encode_chunked=True,
                             headers={"Transfer-Encoding": "chunked"})
      self.assertEqual(code, expected, error)
    self.assertEqual(error, "A request holds at most 1000 bytes, got more.")
    server.stop(30)

  def test_paths_and_methods_that_are_none(self):
    server = self.serve()
    for method, path, code in (("GET", "/", 404), ("POST", "/v1/models/model", 405), ("GET", "/v1/models/model", 404),
                               ("PUT", "/v1/models/model:predict", 405), ("POST", "/v1/models/model:regress", 501)):
      self.assertEqual(self.ask(server, method, path)[0], code, path)
    server.stop(30)


if __name__ == "__main__":
  tf.test.main()
