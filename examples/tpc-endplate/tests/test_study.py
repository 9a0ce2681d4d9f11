"""Tests of the payload programs: V/bin/python -m unittest discover -s tests (about 20 seconds)."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, HERE)

import payload  # noqa: E402
import numpy as np  # noqa: E402

import detector  # noqa: E402
import generate  # noqa: E402
import merge  # noqa: E402
import reconstruct  # noqa: E402
import resolution  # noqa: E402
import response  # noqa: E402
import simulate  # noqa: E402
import store  # noqa: E402
from randoms import Randoms, particle_keys  # noqa: E402

THIN, DEEP, LONG = (f"ILD_00_noETD_TPCEP_0.30X0_{name}" for name in ("100mm_z2350mm", "200mm_z2350mm", "200mm_z2450mm"))


def call(directory, program, *arguments, status=0, **environment):
    """Runs a payload program; its standard output, or its standard error when it must fail."""
    command = [sys.executable, os.path.join(HERE, program), *(str(a) for a in arguments)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode != status:
        raise AssertionError(f"{program} ended with {done.returncode}, not {status}: {done.stderr}")
    return done.stderr if status else done.stdout


def generated(directory, name, events=20, seed=11, energy=91):
    call(directory, "generate.py", "--process", "uds", "--energy", energy, "--events", events, "--seed", seed,
         "--output", name)


def simulated(directory, name, first=0, events=20, model=THIN, source="gen.hepmc.gz", status=0, **environment):
    return call(directory, "simulate.py", "--detector", model, "--physics-list", "LCPhys", "--seed", 5, "--events",
                events, "--first-event", first, "--input", source, "--output", name, status=status, **environment)


def content(directory, name):
    with open(os.path.join(directory, name), "rb") as file:
        return file.read()


class Chain(unittest.TestCase):
    """The programs as an agent runs them."""

    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.directory = self.holder.name
        self.addCleanup(self.holder.cleanup)
        generated(self.directory, "gen.hepmc.gz")

    def exists(self, name):
        return os.path.exists(os.path.join(self.directory, name))

    def test_equal_seeds_give_equal_files_and_other_seeds_do_not(self):
        generated(self.directory, "again.hepmc.gz")
        generated(self.directory, "other.hepmc.gz", seed=12)
        self.assertEqual(content(self.directory, "gen.hepmc.gz"), content(self.directory, "again.hepmc.gz"))
        self.assertNotEqual(content(self.directory, "gen.hepmc.gz"), content(self.directory, "other.hepmc.gz"))
        for name in ("one", "two"):
            simulated(self.directory, f"{name}.npz")
            call(self.directory, "reconstruct.py", "--input", f"{name}.npz", "--output", f"{name}r.npz", "--seed", 1)
        self.assertEqual(content(self.directory, "one.npz"), content(self.directory, "two.npz"))
        self.assertEqual(content(self.directory, "oner.npz"), content(self.directory, "twor.npz"))

    def test_the_generated_file_is_valid_and_conserves_energy(self):
        import pyhepmc

        with gzip.open(os.path.join(self.directory, "gen.hepmc.gz")) as file, pyhepmc.open(file) as reader:
            events = list(reader)
        self.assertEqual([event.event_number for event in events], list(range(20)))
        for event in events:
            self.assertEqual(len(event.beams), 2)
            self.assertAlmostEqual(sum(p.momentum.e for p in event.particles if p.status == 1), 91.0, places=4)
            self.assertEqual(sorted(abs(p.pid) in (1, 2, 3) for p in event.particles if p.status == 23), [True, True])

    def test_a_range_of_events_is_simulated_as_in_the_whole_file(self):
        simulated(self.directory, "whole.npz")
        simulated(self.directory, "tail.npz", first=15, events=5)
        whole = store.load(os.path.join(self.directory, "whole.npz"), "sim")[1]
        tail = store.load(os.path.join(self.directory, "tail.npz"), "sim")[1]
        self.assertEqual(tail["event"].tolist(), [15, 16, 17, 18, 19])
        self.assertTrue(np.array_equal(whole["cluster_energy"][whole["cluster_start"][15]:], tail["cluster_energy"]))
        self.assertTrue(np.array_equal(whole["track_px"][whole["track_start"][15]:], tail["track_px"]))

    def test_too_few_events_are_an_error_without_output(self):
        simulated(self.directory, "sim.npz")
        message = simulated(self.directory, "sim.npz", first=15, events=6, status=65,
                            MILLRACE_REPORT=os.path.join(self.directory, "report.json"))
        self.assertIn("only 5 of the 6 events", message)
        self.assertFalse(self.exists("sim.npz") or self.exists("sim.npz.part") or self.exists("report.json"))

    def test_a_truncated_file_is_an_error_without_output(self):
        data = content(self.directory, "gen.hepmc.gz")
        with open(os.path.join(self.directory, "cut.hepmc.gz"), "wb") as file:
            file.write(data[: len(data) // 2])
        simulated(self.directory, "sim.npz", source="cut.hepmc.gz", status=65)
        plain = gzip.decompress(data)
        with gzip.open(os.path.join(self.directory, "short.hepmc.gz"), "wb") as file:
            file.write(plain[: len(plain) * 3 // 4])
        simulated(self.directory, "sim.npz", source="short.hepmc.gz", status=65)
        self.assertFalse(self.exists("sim.npz"))

    def test_errors_are_one_line_with_a_status(self):
        for arguments, status in (({"source": "none.hepmc.gz"}, 66), ({"model": "ILD_00"}, 64), ({"events": 0}, 64)):
            message = simulated(self.directory, "sim.npz", status=status, **arguments)
            self.assertEqual(message.count("\n"), 1, message)
        call(self.directory, "reconstruct.py", "--input", "gen.hepmc.gz", "--output", "rec.npz", status=65)
        call(self.directory, "merge.py", status=64)

    def test_reports_tell_what_was_read_and_written(self):
        report = os.path.join(self.directory, "report.json")
        simulated(self.directory, "sim.npz", events=7, MILLRACE_REPORT=report)
        expected = {"events_read": 7, "events_written": 7, "outputs": {"sim": {"path": "sim.npz", "events": 7}},
                    "ranges": [{"input": "gen.hepmc.gz", "first_event": 0, "events": 7}]}
        with open(report) as file:
            self.assertEqual(json.load(file), expected)
        for name, first, events in (("a", 3, 4), ("b", 7, 2)):
            simulated(self.directory, f"s{name}.npz", first=first, events=events, MILLRACE_REPORT=report)
            call(self.directory, "reconstruct.py", "--input", f"s{name}.npz", "--output", f"{name}.npz")
        call(self.directory, "merge.py", "--output", "ab.npz", "a.npz", "b.npz", MILLRACE_REPORT=report)
        with open(report) as file:
            ranges = json.load(file)["ranges"]
        self.assertEqual(ranges, [{"input": "a.npz", "first_event": 0, "events": 4},
                                  {"input": "b.npz", "first_event": 0, "events": 2}])

    def test_merging_counts_and_refuses_duplicates_and_mixtures(self):
        ranges = (("a", 0, 10, THIN), ("b", 10, 10, THIN), ("c", 9, 2, THIN), ("d", 0, 5, DEEP))
        for name, first, events, model in ranges:
            simulated(self.directory, f"s{name}.npz", first=first, events=events, model=model)
            call(self.directory, "reconstruct.py", "--input", f"s{name}.npz", "--output", f"{name}.npz")
        call(self.directory, "merge.py", "--output", "ab.npz", "a.npz", "b.npz")
        call(self.directory, "merge.py", "--output", "ba.npz", "b.npz", "a.npz")
        self.assertEqual(content(self.directory, "ab.npz"), content(self.directory, "ba.npz"))
        columns = store.load(os.path.join(self.directory, "ab.npz"), "rec", merge.NAMES)[1]
        self.assertEqual(columns["event"].tolist(), list(range(20)))
        for first, second, reason in (("ab", "c", "occurs twice"), ("b", "d", "detector")):
            inputs = f"{first}.npz", f"{second}.npz"
            self.assertIn(reason, call(self.directory, "merge.py", "--output", "x.npz", *inputs, status=65))
        self.assertFalse(self.exists("x.npz"))
        call(self.directory, "compare.py", "--output-dir", "plots", "ab.npz", "d.npz")
        self.assertTrue(self.exists("plots/resolution.png") and self.exists("plots/resolution.tar.gz"))
        with open(os.path.join(self.directory, "plots/resolution.json")) as file:
            self.assertEqual(json.load(file)["samples"]["uds91"]["models"][THIN]["events"], 20)
        call(self.directory, "compare.py", "--output-dir", "plots", "a.npz", "b.npz", status=65)
        self.assertFalse(self.exists("plots/resolution.png"))


class Models(unittest.TestCase):
    """Names of detector models."""

    def test_names_are_parsed(self):
        model = detector.parse(DEEP)
        self.assertEqual((model.depth, model.thickness, model.outer, model.inner), (0.30, 200.0, 2350.0, 2150.0))

    def test_the_material_lies_inside_the_plate(self):
        z = detector.parse(DEEP).plate_z(np.array([0.0, 0.5, 1.0]))
        self.assertTrue(np.allclose(z, [2150.0, 2190.0, 2350.0]))

    def test_other_names_are_refused(self):
        for name in ("", "ILD_00", THIN + " ", THIN.replace("0.30X0", "0.3X0"), THIN.replace("noETD_", ""),
                     THIN.replace("z2350", "z2551"), THIN.replace("0.30", "9.30"), THIN.replace("100mm", "900mm")):
            with self.assertRaises(payload.Failure, msg=name):
                detector.parse(name)


class Physics(unittest.TestCase):
    """What the plate does, and where it does nothing."""

    def gun(self, name, cos, pdg, energy=3.0, count=4000):
        """Tracks and clusters of particles of one kind and direction."""
        sin = np.sqrt(1 - cos * cos)
        columns = [np.full(count, value) for value in (energy * sin, 0.0, energy * cos, energy)]
        keys = particle_keys(1, "gun", np.arange(count), np.zeros(count))
        return response.simulate(detector.parse(name), (*columns, np.full(count, pdg)), Randoms(keys))

    def stray(self, name, cos, pdg):
        """Energy found further than 70 mm from where an undisturbed particle arrives, per particle."""
        _, (particle, energy, x, y, z, _) = self.gun(name, cos, pdg)
        path = detector.Path(*(np.full(1, v) for v in (3 * np.sqrt(1 - cos * cos), 0.0, 3 * cos)), np.sign(pdg % 22))
        _, x0, y0, z0 = path.to_calorimeter()
        far = np.sqrt((x - x0) ** 2 + (y - y0) ** 2 + (z - z0) ** 2) > 70.0
        return energy[far].sum() / 4000

    def test_hadrons_stray_further_the_further_the_plate_is_from_the_calorimeter(self):
        thin, deep, long = (self.stray(name, 0.88, 211) for name in (THIN, DEEP, LONG))
        self.assertGreater(deep, 1.1 * thin)
        self.assertLess(long, thin)

    def test_the_barrel_does_not_see_the_plate(self):
        for pdg in (211, 22, 2112):
            (_, thin), (_, deep) = self.gun(THIN, 0.6, pdg), self.gun(DEEP, 0.6, pdg)
            self.assertTrue(all(np.array_equal(a, b) for a, b in zip(thin, deep)))

    def test_conversions_follow_the_depth_of_the_plate(self):
        for depth in ("0.30", "0.60"):
            _, (particle, *_) = self.gun(THIN.replace("0.30", depth), 0.9, 22)
            converted = np.count_nonzero(np.bincount(particle) == 2) / 4000
            self.assertAlmostEqual(converted, 1 - np.exp(-7 / 9 * float(depth) / 0.9), delta=0.05)

    def test_forward_tracks_have_more_hits_in_a_longer_chamber(self):
        hits = [self.gun(name, 0.9, 211)[0][5].mean() for name in (THIN, DEEP, LONG)]
        self.assertLess(hits[1], hits[0])
        self.assertEqual(hits[2], hits[0])

    def test_a_deeper_plate_resolves_forward_jets_worse(self):
        """5,000 events at 91 GeV: the forward ones through two models, with common random numbers."""
        with tempfile.TemporaryDirectory() as directory:
            generated(directory, "gen.hepmc.gz", events=5000, seed=9101)
            sample, tables = simulate.read(os.path.join(directory, "gen.hepmc.gz"), 0, 5000)
        forward = [rows for rows in tables if 0.8 < abs(rows[2, 3]) / np.linalg.norm(rows[:3, 3]) < 0.98]
        self.assertGreater(len(forward), 900)
        totals = []
        for name in (THIN, DEEP):
            columns = simulate.columns_of(detector.parse(name), forward, sample, 1, 0)
            totals.append(reconstruct.reconstruct(columns)[0][:, :, 3].sum(axis=1))
        draws = resolution.resamples(len(forward), "test")
        ratios = resolution.jet_resolution(totals[1][draws]) / resolution.jet_resolution(totals[0][draws])
        self.assertGreater(resolution.jet_resolution(totals[1]) / resolution.jet_resolution(totals[0]), 1.01)
        self.assertGreater((ratios > 1).mean(), 0.95)

    def test_rms90_of_a_normal_distribution_is_known(self):
        values = np.random.Generator(np.random.PCG64(1)).normal(100.0, 1.0, 200_000)
        rms, mean = resolution.rms90(values)
        self.assertAlmostEqual(float(rms), 0.789, delta=0.01)  # the narrowest 90 % is cut at 1.645 sigma
        self.assertAlmostEqual(float(mean), 100.0, delta=0.05)

    def test_seeds_of_any_size_are_seeds_of_pythia(self):
        self.assertEqual(generate.pythia_seed(7), 7)
        for seed in (0, 900_000_001, 2**63):
            self.assertTrue(1 <= generate.pythia_seed(seed) <= 900_000_000)
        with self.assertRaises(payload.Failure):
            generate.pythia_seed(-1)


if __name__ == "__main__":
    unittest.main()
