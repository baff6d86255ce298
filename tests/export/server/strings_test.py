"""Strings over REST as TensorFlow Serving has them, text and bytes in base64, from a SavedModel that takes pictures."""

import base64
import json
import pathlib
import tempfile
import urllib.error
import urllib.request

import numpy as np
import tensorflow as tf

from export import common
from export.server.local import LocalServer
from export.server.registry import Registry
from export.server.service import Service


def negative(png_bytes, name):
  """The negative of each picture, and its name with a mark."""
  invert = lambda png: tf.io.encode_png(255 - tf.io.decode_png(png, 3))  # noqa: E731
  return {"png_bytes": tf.map_fn(invert, png_bytes), "name": name + "⁻¹", "size": tf.strings.length(png_bytes)}


def setUpModule():  # noqa: N802
  global directory, server
  directory = tempfile.TemporaryDirectory()
  inputs = {name: tf.TensorSpec([None], tf.string) for name in ("png_bytes", "name")}
  servable = common.Servable({"serving_default": common.Signature(negative, inputs)}, [], {"kind": "pictures"})
  with common.new_version(pathlib.Path(directory.name) / "pictures") as (partial, _):
    common.save(servable, partial)
  registry = Registry(directory.name)
  registry.refresh()
  server = LocalServer(Service(registry))
  server.start()


def tearDownModule():  # noqa: N802
  server.stop(10)
  directory.cleanup()


def post(**request):
  """(HTTP code, JSON)."""
  url = f"http://127.0.0.1:{server.rest_port}/v1/models/pictures:predict"
  try:
    with urllib.request.urlopen(url, json.dumps(request).encode(), timeout=60) as response:
      return response.status, json.load(response)
  except urllib.error.HTTPError as error:
    with error:
      return error.code, json.load(error)


class StringsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.pictures = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    self.pngs = [{"b64": base64.b64encode(tf.io.encode_png(picture).numpy()).decode()} for picture in self.pictures]

  def assert_negatives(self, pngs):
    found = [tf.io.decode_png(base64.b64decode(png["b64"])) for png in pngs]
    self.assertAllEqual(found, 255 - self.pictures)

  def test_columns(self):
    code, answer = post(inputs={"png_bytes": self.pngs, "name": ["é", {"b64": "eA=="}]})
    self.assertEqual(code, 200, answer)
    self.assert_negatives(answer["outputs"]["png_bytes"])
    self.assertEqual(answer["outputs"]["name"], ["é⁻¹", "x⁻¹"])
    self.assertEqual(answer["outputs"]["size"], [len(base64.b64decode(png["b64"])) for png in self.pngs])

  def test_rows(self):
    code, answer = post(instances=[{"png_bytes": png, "name": name} for png, name in zip(self.pngs, "ab", strict=True)])
    self.assertEqual(code, 200, answer)
    self.assert_negatives([row["png_bytes"] for row in answer["predictions"]])
    self.assertEqual([row["name"] for row in answer["predictions"]], ["a⁻¹", "b⁻¹"])

  def test_what_is_no_string(self):
    for value, message in (
        ([1.5], 'must be text or {"b64": base64}, got float'), ([None], "got NoneType"),
        ([{"b64": "e"}], "Invalid base64"), ([{"b64": 3}], "string"), ([["a"], ["b", "c"]], "lists differ in length"),
        ([["a"]], "must be string of shape .N.")):
      code, answer = post(inputs={"png_bytes": self.pngs[:1], "name": value})
      self.assertEqual(code, 400, answer)
      self.assertRegex(answer["error"], f"name.*{message}")


if __name__ == "__main__":
  tf.test.main()
