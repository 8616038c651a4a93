"""What a thousand predictions and a whole grade cost; the floor is some fifty flops and two square roots a prediction."""

from __future__ import annotations

from terp.catalogue import read_catalogue
from terp.describe import read_machine
from terp.hardware import build_machine
from terp.physics import benchmark_system, predict_hpl
from terp.validate import grade


def test_a_thousand_predictions(benchmark):
    gefion = build_machine(read_machine("gefion"), read_catalogue())
    systems = [benchmark_system(gefion, 8 * (1 + count % 190)) for count in range(1000)]
    benchmark(lambda: [predict_hpl(system) for system in systems])


def test_a_grade(benchmark):
    grade("hpl")
    benchmark(lambda: grade("hpl"))
