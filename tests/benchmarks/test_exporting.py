"""What `benchmarks/exporting.py` calls "before" says the same as the student that it is compared with."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgehar.networks import build_student


@pytest.mark.parametrize("name", ["acc-watch", "acc-micro"])
def test_the_network_as_people_write_it_gives_the_same_numbers(name, benchmark):
    torch.manual_seed(0)
    student = build_student(name, 5, 128)
    acc = torch.randn(16, 128, 3) * 4 + torch.tensor([0.0, 9.8, 0.0])
    for _ in range(3):
        student(acc)  # in training: batch norms that are not the identity
    student.eval()
    plain = benchmark("exporting").AsPeopleWriteIt(student).eval()
    kinds = {type(module) for module in plain.modules()}
    assert {nn.Conv1d, nn.BatchNorm1d} <= kinds and not {nn.Conv2d, nn.BatchNorm2d} & kinds
    with torch.no_grad():
        torch.testing.assert_close(plain(acc).logits, student(acc).logits, rtol=1e-5, atol=1e-5)
