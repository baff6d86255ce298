"""What both front ends of the local server share: finding the model, limits, counting."""

import collections
import contextlib
import os
import threading

import tensorflow as tf

from export.server.loader import RequestError, check_inputs

_CODES = {value: name for name, value in vars(tf.errors).items() if name.isupper() and isinstance(value, int)}


class Service:
  """Answers requests with the models of a `Registry`.

  Args:
    registry: Registry.
    concurrency: requests that compute at a time; the others wait. Default: the number of CPUs.

  Attributes:
    running: requests that are being answered.
    counts: (model, status code) -> requests that were.
  """

  def __init__(self, registry, concurrency=None):
    self.registry = registry
    self._slots = threading.BoundedSemaphore(concurrency or os.cpu_count() or 1)
    self._lock, self.running, self.counts = threading.Lock(), 0, collections.Counter()

  @contextlib.contextmanager
  def request(self, model):
    """Counts a request to `model` and turns every failure in it into a RequestError.

    Raises:
      RequestError: whatever went wrong.
    """
    with self._lock:
      self.running += 1
    code = "OK"
    try:
      yield
    except Exception as error:  # a server answers whatever happens
      failure = as_request_error(error)
      code = failure.code
      raise failure from error
    finally:
      with self._lock:
        self.running -= 1
        self.counts[model if model in self.registry.names else "unknown", code] += 1

  def predict(self, spec, parse, finish):
    """Runs one request; returns finish(number, signature name, outputs).

    Args:
      spec: model_pb2.ModelSpec.
      parse: SignatureDef and most rows to the inputs, dict of arrays.
      finish: makes the answer; runs within the request's turn, since it may be as big.

    Raises:
      RequestError: no such model, or a request that does not fit its signature.
    """
    with self.registry.use(*model_choice(spec)) as (number, entry), self._slots:
      name = spec.signature_name or "serving_default"
      signature = entry.model.signature(name)
      inputs = parse(signature, entry.max_rows)
      rows = len(check_inputs(signature, inputs)[0])
      check_rows(rows, entry.max_rows)
      return finish(number, name, entry.model.run(name, inputs))

  def metrics(self):
    """The counts in Prometheus' text format."""
    lines = ["# TYPE :tensorflow:serving:request_count counter"]
    lines += [f':tensorflow:serving:request_count{{model_name="{model}",status="{code}"}} {count}'
              for (model, code), count in sorted(self.counts.copy().items())]
    return "\n".join(lines) + "\n"


def model_choice(spec):
  """(name, version or None, label or None) of a ModelSpec."""
  choice = spec.WhichOneof("version_choice")
  return (spec.name, spec.version.value if choice == "version" else None,
          spec.version_label if choice == "version_label" else None)


def check_rows(rows, max_rows):
  """Refuses a request of more rows than the largest batch.

  Raises:
    RequestError: as said.
  """
  if max_rows is not None and rows > max_rows:
    raise RequestError(f"Task size {rows} is larger than maximum input batch size {max_rows}")


def as_request_error(error):
  """Any exception as a RequestError with a status code."""
  if isinstance(error, RequestError):
    return error
  if isinstance(error, tf.errors.OpError):
    return RequestError(error.message.splitlines()[0], _CODES.get(error.error_code, "UNKNOWN"))
  if isinstance(error, MemoryError):
    return RequestError("The server is out of memory.", "RESOURCE_EXHAUSTED")
  return RequestError(f"{type(error).__name__}: {error}", "INTERNAL")
