"""Which models wait for `make test-slow` with their contract."""

import re

import pytest

# Eager steps of these take half a second: the training that all share is held by the others in `make test`.
_LONG = re.compile(r"_(compact|hgn_plus_plus|latent_ode|latent_rnn|nhf)(_\d+)?$")


def pytest_collection_modifyitems(items):
  for item in items:
    if item.path.name == "contract_test.py" and _LONG.search(item.name):
      item.add_marker(pytest.mark.slow)
