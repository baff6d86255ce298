"""Triton behind examples/serve_triton.py: the contract of KServe v2, merged requests, 1,000 malformed ones, SIGTERM."""

import collections
import concurrent.futures
import json
import pathlib
import re
import tempfile
import time

import numpy as np
import pytest
import tensorflow as tf
from export_support import STATE, frames, times, tiny_model

from export import common, rollout, serving
from export.server.loader import SessionModel

pytest.importorskip("tritonclient.grpc", reason="tritonclient is missing: pip install 'hgn_tf[triton]'")
import triton_malformed  # noqa: E402
import triton_support  # noqa: E402

pytestmark = pytest.mark.slow  # starts whole programs

if triton_support.missing():
  pytest.skip(triton_support.missing(), allow_module_level=True)

_SIGNATURES, _MAX_STEPS, _MALFORMED = ("rollout", "encode", "evolve"), 20_000, 1_000


def good(rows=2, seed=0):
  return {"frames": frames(rows, seed), **times([0.1, -0.1][:rows], [2, 3][:rows])}


class TritonTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    models = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "models"
    cls.path = serving.publish(rollout.servable(tiny_model(), max_steps=_MAX_STEPS), models / "tiny",
                               batch_sizes=(1, 4, 16))
    cls.session = SessionModel(cls.path)
    cls.server = triton_support.Triton(models, f"--signatures={','.join(_SIGNATURES)}").wait()
    cls.addClassCleanup(cls.server.close)

  def test_metadata_readiness_and_metrics(self):
    self.assertEqual([self.server.get(f"/v2/health/{what}")[0] for what in ("live", "ready")], [200, 200])
    for name in _SIGNATURES:
      self.assertEqual(self.server.get(f"/v2/models/tiny.{name}/ready")[0], 200)
      described = json.loads(self.server.get(f"/v2/models/tiny.{name}")[1])
      ours = common.read_metadata(self.path)["signatures"][name]
      for kind in ("inputs", "outputs"):
        shapes = {x["name"]: x["shape"] for x in described[kind]}
        self.assertEqual(shapes, {key: [-1, *([size or -1 for size in x["shape"][1:]] or [1])]
                                  for key, x in ours[kind].items()})
    self.assertIn('nv_inference_count{model="tiny.rollout",version="1"}',
                  self.server.get("/metrics", self.server.metrics_port)[1])

  def test_the_answers_are_those_of_the_session(self):
    expected = self.session.run("rollout", good())
    for client in (self.server.grpc, self.server.http):
      self.check(self.server.ask(client, "tiny.rollout", good()), expected)
    code, answer = self.server.post("tiny.rollout", triton_support.json_request(good()))
    self.assertEqual(code, 200)
    self.check({x["name"]: np.reshape(x["data"], x["shape"]) for x in answer["outputs"]}, expected)
    self.check(self.server.ask(self.server.grpc, "tiny.encode", {"frames": frames(1)}),
               self.session.run("encode", {"frames": frames(1)}))

  def check(self, answer, expected):
    self.assertEqual(set(answer), set(expected))
    for key, x in triton_support.columns(expected).items():
      self.assertAllClose(answer[key], x, atol=1e-5)

  def test_requests_are_merged_and_each_gets_its_own_rows(self):
    before = self.statistics()
    asked = [{"frames": frames(1, seed), **times([0.1], [seed % 4])} for seed in range(64)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
      answers = list(pool.map(lambda inputs: self.server.ask(self.server.grpc, "tiny.rollout", inputs), asked))
    for inputs, answer in zip(asked, answers, strict=True):
      own = self.session.run("rollout", inputs)["frames"]
      self.assertAllClose(answer["frames"][:, :own.shape[1]], own, atol=1e-5)
      self.assertEqual(answer["valid"].sum(), own.shape[1])
    rows, runs = np.subtract(self.statistics(), before)
    self.assertEqual(rows, 64)
    self.assertLess(runs, 48)

  def statistics(self):
    """(rows, runs) of tiny.rollout so far."""
    text = self.server.get("/metrics", self.server.metrics_port)[1]
    return [int(re.search(rf'{name}{{model="tiny.rollout",version="1"}} (\d+)', text)[1])
            for name in ("nv_inference_count", "nv_inference_exec_count")]

  def test_malformed_requests_are_refused_and_change_nothing(self):
    rng, kinds, done = np.random.default_rng(0), collections.defaultdict(collections.Counter), 0
    expected = self.session.run("rollout", good())
    while done < _MALFORMED:
      for make in (triton_malformed.bodies, triton_malformed.bad_rows, triton_malformed.exchanges,
                   triton_malformed.protos):
        for kind, content in make(rng, good()):
          kinds[kind][triton_malformed.send(self.server, kind, content)] += 1
          done += 1
    print(f"{done} malformed requests of {len(kinds)} kinds: {json.dumps(kinds)}")
    self.check(self.server.ask(self.server.grpc, "tiny.rollout", good()), expected)
    self.assertEqual(self.server.get("/v2/health/ready")[0], 200)

  def test_zz_sigterm_lets_running_requests_end(self):
    state = np.ones((1, *STATE), np.float32)
    slow = {"q": state, "p": state, **times([0.01], [_MAX_STEPS])}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
      running = pool.submit(self.server.ask, self.server.grpc, "tiny.evolve", slow)
      time.sleep(0.5)
      self.assertFalse(running.done())
      self.server.terminate()
      self.assertAllEqual(running.result(120)["status"], [[0]])
    self.assertEqual(self.server.exit_code(), 0)
    with self.assertRaises(OSError):
      self.server.get("/v2/health/ready")
