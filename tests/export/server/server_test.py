"""The contract of a model server, held against tensorflow_model_server where it is on PATH, else the local server."""

import collections
import concurrent.futures
import gzip
import http.client
import json
import pathlib
import shutil
import socket
import tempfile
import threading
import time
import unittest
import urllib.request

import grpc
import malformed
import numpy as np
import pytest
import tensorflow as tf
from export_support import CONFIG, STATE, frames, times, tiny_model
from server_support import Server, real_server

from export import configs, rollout, serving
from export.server.loader import SessionModel

MAX_STEPS = 20_000


def setUpModule():  # noqa: N802
  global directory, root, server, direct
  directory = tempfile.TemporaryDirectory()
  root = pathlib.Path(directory.name) / "models"
  path = serving.publish(rollout.servable(tiny_model(), max_steps=MAX_STEPS), root / "tiny", batch_sizes=(1, 16))
  configs.write_configs(root)
  shutil.copytree(root, pathlib.Path(directory.name) / "more")  # for tests that change what is served
  server = Server(root, "--max_request_bytes=3000000").wait("tiny")
  print(f"\nThe contract tests run against {server.kind}.")
  direct = SessionModel(path)


def tearDownModule():  # noqa: N802
  server.close()
  direct.close()
  directory.cleanup()


def good(rows=2):
  return {"frames": frames(rows), **times([0.125] * rows, np.arange(rows) + 1)}


class ContractTest(tf.test.TestCase):

  def assert_same(self, answer, expected):
    self.assertEqual(set(answer), set(expected))
    for key, x in expected.items():
      self.assertAllClose(answer[key], x, atol=1e-5, rtol=1e-5, msg=key)

  def test_rest_and_grpc_answer_as_the_session_loader(self):
    for signature, inputs in (("rollout", good()), ("serving_default", good()), ("encode", {"frames": frames(3)})):
      expected = direct.run(signature, inputs)
      self.assert_same(server.predict_rest("tiny", signature, inputs), expected)
      self.assert_same(server.predict_rpc("tiny", signature, inputs), expected)

  def test_rows_as_instances(self):
    inputs = good(2)
    rows = [{key: x[i].tolist() for key, x in inputs.items()} for i in range(2)]
    code, answer = server.post("/v1/models/tiny:predict", {"instances": rows})
    self.assertEqual(code, 200)
    expected = direct.run("serving_default", inputs)
    for i, row in enumerate(answer["predictions"]):
      self.assert_same(row, {key: x[i] for key, x in expected.items()})

  def test_a_single_input_needs_no_name(self):
    code, answer = server.post("/v1/models/tiny:predict", {"signature_name": "encode", "instances": frames(1).tolist()})
    self.assertEqual(code, 200)
    self.assertAllClose(answer["predictions"][0]["q"], direct.run("encode", {"frames": frames(1)})["q"][0], atol=1e-5)

  def test_a_bad_row_is_answered_and_its_neighbour_too(self):
    inputs = good(2)
    inputs["dt"][0] = np.nan
    for answer in (server.predict_rest("tiny", "rollout", inputs), server.predict_rpc("tiny", "rollout", inputs)):
      self.assertAllEqual(answer["status"], [5, 0])
      self.assertAllEqual(answer["valid"][0], [False] * answer["valid"].shape[1])

  def test_model_status(self):
    code, answer = server.get("/v1/models/tiny")
    self.assertEqual(code, 200)
    self.assertEqual([(v["version"], v["state"]) for v in answer["model_version_status"]], [("1", "AVAILABLE")])
    self.assertEqual(server.get("/v1/models/tiny/versions/1")[0], 200)
    self.assertEqual(server.get("/v1/models/tiny/labels/stable")[0], 200)
    self.assertEqual([v.version for v in server.status_rpc("tiny").model_version_status], [1])

  def test_model_metadata(self):
    code, answer = server.get("/v1/models/tiny/metadata")
    self.assertEqual(code, 200)
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    self.assertContainsSubset(direct.signatures, signatures)
    dims = [dim["size"] for dim in signatures["rollout"]["inputs"]["frames"]["tensor_shape"]["dim"]]
    self.assertEqual(dims, ["-1", *map(str, CONFIG.frame_shape)])
    self.assertEqual(server.metadata_rpc("tiny").model_spec.version.value, 1)

  def test_versions_and_labels(self):
    inputs, expected = good(), direct.run("rollout", good())
    for where, choice in (("/versions/1", {"version": 1}), ("/labels/stable", {"version_label": "stable"})):
      self.assert_same(server.predict_rest("tiny", "rollout", inputs, where), expected)
      self.assert_same(server.predict_rpc("tiny", "rollout", inputs, **choice), expected)

  def test_what_is_not_there_is_not_found(self):
    body = {"inputs": {key: x.tolist() for key, x in good().items()}}
    for where in ("nobody", "tiny/versions/7"):
      code, answer = server.post(f"/v1/models/{where}:predict", body)
      self.assertEqual(code, 404)
      self.assertIn("error", answer)
    with self.assertRaises(grpc.RpcError) as raised:
      server.predict_rpc("nobody", "rollout", good())
    self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

  def test_wrong_inputs_are_refused_with_a_message(self):
    wrong = {**good(), "frames": frames(2)[:, :3]}
    with self.assertRaises(grpc.RpcError) as raised:
      server.predict_rpc("tiny", "rollout", wrong)
    self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
    self.assertIn("2,3,16,16,3", raised.exception.details().replace(" ", ""))
    code, answer = server.post("/v1/models/tiny:predict", {"inputs": {key: x.tolist() for key, x in wrong.items()}})
    self.assertEqual(code, 400)
    self.assertIn("2,3,16,16,3", answer["error"].replace(" ", ""))

  def test_a_gzip_body_is_answered_as_what_is_in_it(self):
    request = {"inputs": {key: x.tolist() for key, x in good().items()}}
    body = gzip.compress(json.dumps(request).encode())
    code, answer = server.post("/v1/models/tiny:predict", body, Content_Encoding="gzip")
    self.assertEqual((code, answer), server.post("/v1/models/tiny:predict", request))
    self.assertEqual(code, 200)

  def test_many_clients_at_once(self):
    def ask(i):
      rows = 1 + i % 3
      inputs = {"frames": frames(rows, seed=i), **times([0.1] * rows, [i % 5] * rows)}
      answer = (server.predict_rpc if i % 2 else server.predict_rest)("tiny", "rollout", inputs)
      np.testing.assert_allclose(answer["q"], direct.run("rollout", inputs)["q"], atol=1e-5)
      return rows
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
      self.assertLen(list(pool.map(ask, range(40))), 40)

  def test_metrics(self):
    code, text = server.get("/monitoring/prometheus/metrics")
    self.assertEqual(code, 200)
    self.assertIn("request_count", text)


@pytest.mark.slow  # starts whole programs
class FuzzTest(tf.test.TestCase):

  @unittest.skipIf(real_server(), "the fuzz test is for the local server")
  def test_a_thousand_malformed_requests(self):
    rng, counts, sent = np.random.default_rng(0), collections.Counter(), collections.Counter()
    expected = direct.run("rollout", good())
    while sum(counts.values()) < 1000:
      lists, arrays = malformed.good_request(rng, CONFIG.frame_shape)
      text = malformed.json.dumps({"inputs": lists}).encode()
      for generator, send in ((malformed.body_mutations(rng, lists), malformed.send_body),
                              (malformed.bad_rows(rng, lists), malformed.send_body),
                              (malformed.exchange_mutations(rng, text), malformed.send_bytes),
                              (malformed.proto_mutations(rng, arrays), malformed.send_proto)):
        for kind, content in generator:
          try:
            counts[send(server, content)] += 1
          except Exception as error:
            raise AssertionError(f"{kind}: {error}") from error
          sent[kind] += 1
    self.assertAllClose(server.predict_rest("tiny", "rollout", good())["q"], expected["q"], atol=1e-5)
    self.assertAllClose(server.predict_rpc("tiny", "rollout", good())["q"], expected["q"], atol=1e-5)
    self.assertNotIn("HTTP 500", counts)
    print(f"\n{sum(sent.values())} malformed requests of {len(sent)} kinds: {dict(counts)}; the server answers on.")


@pytest.mark.slow  # starts whole programs
@unittest.skipIf(real_server(), "tensorflow_model_server looks after its own processes")
class LocalServerTest(tf.test.TestCase):

  def test_too_large_a_request_is_refused_unread(self):
    connection = http.client.HTTPConnection(server.rest, timeout=60)  # announces a body and does not send it
    connection.putrequest("POST", "/v1/models/tiny:predict")
    connection.putheader("Content-Length", "3000001")
    connection.endheaders()
    with connection.getresponse() as response:
      self.assertEqual(response.status, 429)
      self.assertIn("3000000 bytes", json.loads(response.read())["error"])
    connection.close()

  def test_a_client_that_says_no_more_gets_its_answer_yet(self):
    body = json.dumps({"inputs": {key: x.tolist() for key, x in good().items()}}).encode()
    head = f"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    host, port = server.rest.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
      connection.sendall(head + body)
      connection.shutdown(socket.SHUT_WR)
      response = http.client.HTTPResponse(connection)
      response.begin()
      self.assertEqual(response.status, 200)
      self.assertAllEqual(json.load(response)["outputs"]["status"], [0, 0])

  def test_gzip_that_is_none_or_too_large(self):
    bomb = gzip.compress(b" " * 3_000_001)
    self.assertLess(len(bomb), 10_000)
    body = gzip.compress(b"[]")
    for content, encoding, expected, message in (
        (bomb, "gzip", 429, "at most 3000000 bytes, got more in its gzip"), (b"{}", "gzip", 400, "not of Content-Enc"),
        (body[:-3], "gzip", 400, "not of Content-Encoding gzip"), (body, "br", 400, "gzip or identity, got 'br'"),
        (body, "identity", 400, "JSON Parse error")):
      code, answer = server.post("/v1/models/tiny:predict", content, Content_Encoding=encoding)
      self.assertEqual(code, expected, answer)
      self.assertIn(message, answer["error"])

  def test_other_sites_may_not_ask_by_default(self):
    code, headers = server.preflight("/v1/models/tiny:predict")
    self.assertEqual((code, headers["Allow"]), (204, "GET, POST, OPTIONS"))
    self.assertEmpty([name for name in headers if name.lower().startswith("access-control")])

  def test_other_sites_may_ask_where_they_are_let(self):
    other = Server(root, "--local", "--rest_api_enable_cors_support").wait("tiny")
    try:
      code, headers = other.preflight("/v1/models/tiny:predict")
      self.assertEqual((code, headers["Access-Control-Allow-Origin"]), (204, "*"))
      self.assertIn("POST", headers["Access-Control-Allow-Methods"])
      self.assertIn("Content-Type", headers["Access-Control-Allow-Headers"])
      with urllib.request.urlopen(f"http://{other.rest}/v1/models/tiny", timeout=60) as response:
        self.assertEqual(response.headers["Access-Control-Allow-Origin"], "*")
    finally:
      other.close()

  def test_base64_is_told_what_to_send(self):
    rows, b64 = good(), {"b64": "AAAA"}
    time = {key: rows[key].tolist() for key in ("dt", "num_steps")}
    for name, body in (
        ("rollout_uint8", {"inputs": {"frames": b64, **time}}),
        ("rollout_uint8", {"inputs": {"frames": [b64, b64], **time}}),
        ("rollout_uint8", {"instances": [{"frames": b64, "dt": 0.1, "num_steps": 1}]}),
        ("encode", {"inputs": b64}), ("encode", {"inputs": [b64]}), ("encode", {"instances": [b64]})):
      code, answer = server.post("/v1/models/tiny:predict", {"signature_name": name, **body})
      self.assertEqual(code, 400)
      self.assertRegex(answer["error"], r"'frames' must be u?\w+ of shape \[N, 5, 16, 16, 3\], as nested lists")

  def test_two_versions_a_roll_back_and_the_end_without_a_lost_request(self):
    models = root.parent / "more"
    other = Server(models, "--local", "--poll_seconds=0.1", "--drain_seconds=120").wait("tiny")
    try:
      self.check_roll_back(other, models)
      self.check_sigterm(other)
    finally:
      other.close()

  def check_roll_back(self, other, models):
    stop, failures, answered = threading.Event(), [], collections.Counter()

    def keep_asking():
      while not stop.is_set():
        try:
          answered[round(float(other.predict_rpc("tiny", "encode", {"frames": frames(1)})["q"].sum()), 3)] += 1
        except grpc.RpcError as error:
          failures.append(error.details())

    def ask(where=""):
      return other.predict_rest("tiny", "rollout", good(1), where)["q"]

    client = threading.Thread(target=keep_asking)
    client.start()
    try:
      first = ask()
      serving.publish(rollout.servable(tiny_model(seed=1), max_steps=MAX_STEPS), models / "tiny", batch_sizes=(1, 4))
      configs.write_configs(models)
      self.until(lambda: not np.allclose(ask(), first))
      self.assertAllClose(ask("/labels/stable"), first)
      self.assertAllClose(ask("/labels/canary"), ask("/versions/2"))
      text = (models / "models.config").read_text()
      (models / "models.config").write_text(text.replace("        versions: 2\n", "").replace("value: 2", "value: 1"))
      self.until(lambda: np.allclose(ask(), first))
      self.until(lambda: other.get("/v1/models/tiny/versions/2")[1]["model_version_status"][0]["state"] == "END")
      self.assertAllClose(ask("/labels/canary"), first)
    finally:
      stop.set()
      client.join()
    self.assertEmpty(failures)
    self.assertLen(answered, 2)

  def check_sigterm(self, other):
    state = np.ones((1, *STATE), np.float32)
    slow = {"q": state, "p": state, **times([0.01], [MAX_STEPS])}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
      running = [pool.submit(ask, "tiny", "evolve", slow) for ask in (other.predict_rest, other.predict_rpc)]
      time.sleep(0.3)
      self.assertFalse(any(request.done() for request in running))
      other.terminate()
      for request in running:
        self.assertAllEqual(request.result(120)["status"], [0])
    self.assertEqual(other.exit_code(), 0)
    self.assertIn("drained", other.log())
    with self.assertRaises(OSError):
      other.get("/v1/models/tiny")

  def until(self, condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
      self.assertLess(time.monotonic(), end)
      time.sleep(0.05)


if __name__ == "__main__":
  tf.test.main()
