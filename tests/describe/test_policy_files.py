"""Policy files: what ships reads, and every mistake is told with its place."""

import pytest

from terp.describe import read_policy, shipped_names
from terp.errors import Problems

WRONG = """
kind: policy
name: wrong
title: "Wrong"
accounts:
  a: {parent: b}
  b: {parent: a}
  c: {parent: nobody}
qos:
  x: {preempts: [y]}
  y: {preempts: [x]}
partitions:
  p: {nodes: "5-"}
assign:
  - {qos: none}
"""


@pytest.mark.parametrize("name", shipped_names("policies"))
def test_policies_that_ship_read(name):
    assert read_policy(name).record.name == name


def test_every_mistake_is_told_at_once(tmp_path):
    (tmp_path / "wrong.yaml").write_text(WRONG)
    with pytest.raises(Problems) as error:
        read_policy(str(tmp_path / "wrong.yaml"))
    told = str(error.value)
    for words in (
        "accounts.a.parent: leads back to itself",
        "accounts.b.parent: leads back to itself",
        "accounts.c.parent: is not there, found 'nobody'",
        "qos.x.preempts: its jobs could be stopped for those that they stop",
        "qos.y.preempts: its jobs could be stopped for those that they stop",
        "partitions.p.nodes: no ranges of nodes, found '5-'",
        "assign.0.qos: is not there, found 'none'",
    ):
        assert words in told, words
    assert len(told.splitlines()) == 7
