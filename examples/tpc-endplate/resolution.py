"""Jet energy resolution from merged files: RMS90, bins of |cos theta|, bootstrap errors.

RMS90 is the root mean square of the smallest interval that holds 90 % of the events, the measure of the ILD studies
because a few badly measured events would rule a plain root mean square. For two jets of equal energy the resolution of
one jet is RMS90(E_j) / mean90(E_j) = sqrt(2) RMS90(E_jj) / mean90(E_jj), E_jj being the sum of the two jet energies.
"""

import hashlib

import payload
import numpy as np

import store

EDGES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.98)
BARREL = (0.0, 0.7)
FORWARD = (0.8, 0.98)
RESAMPLES = 200
COLUMNS = ("quark_cos", "jet_energy", "visible")


def rms90(values):
    """R.m.s. and mean of the narrowest 90 % of the last axis of `values`. Nothing is sorted in place."""
    values = np.sort(values, axis=-1)
    total = values.shape[-1]
    count = max(int(np.ceil(0.9 * total)), 1)
    zero = np.zeros((*values.shape[:-1], 1))
    centre = values.mean(axis=-1, keepdims=True)  # sums of squares keep their digits around the mean
    shifted = values - centre
    sums = np.concatenate([zero, np.cumsum(shifted, axis=-1)], axis=-1)
    squares = np.concatenate([zero, np.cumsum(shifted**2, axis=-1)], axis=-1)
    mean = (sums[..., count:] - sums[..., :-count]) / count
    variance = (squares[..., count:] - squares[..., :-count]) / count - mean**2
    width = values[..., count - 1:] - values[..., :total - count + 1]
    best = width.argmin(axis=-1)[..., None]
    rms = np.sqrt(np.maximum(np.take_along_axis(variance, best, axis=-1), 0.0))
    return rms[..., 0], (np.take_along_axis(mean, best, axis=-1) + centre)[..., 0]


def jet_resolution(energies):
    """Jet energy resolution (a fraction) from sums of two jet energies, along the last axis."""
    rms, mean = rms90(energies)
    return np.sqrt(2.0) * rms / mean


def resamples(total, label):
    """Bootstrap samples as rows of positions; one label always gives the same ones."""
    seed = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.PCG64(seed)).integers(0, total, size=(RESAMPLES, total))


class Sample:
    """One merged file: sums of jet energies by |cos theta| of the quark, in a fixed order of the events."""

    def __init__(self, path):
        meta, columns = store.load(path, "rec", COLUMNS)
        names = [str(name) for name in columns["origins"]]
        self.path = path
        self.model, self.sample, self.energy = meta["detector"], meta["sample"], int(meta["energy"])
        keys = [f"{names[row]}/{number:09d}"
                for row, number in zip(columns["origin"].tolist(), columns["event"].tolist())]
        order = np.argsort(np.array(keys), kind="stable")
        self.keys = np.array(keys)[order]
        if np.any(self.keys[1:] == self.keys[:-1]):
            raise payload.Failure(payload.BAD_DATA, f"{path} holds an event twice: merge its parts with merge.py")
        self.cos = np.abs(columns["quark_cos"].astype(np.float64))[order]
        self.total = columns["jet_energy"].astype(np.float64).sum(axis=1)[order]

    def inside(self, low, high):
        return (self.cos >= low) & (self.cos < high)


def measure(sample, low, high):
    """Resolution of one sample in a range of |cos theta|, with its bootstrap error; None if there are few events."""
    energies = sample.total[sample.inside(low, high)]
    result = {"cos_low": low, "cos_high": high, "events": len(energies), "resolution": None, "error": None}
    if len(energies) >= 20:
        draws = resamples(len(energies), f"{sample.sample} {low} {high}")
        result["resolution"] = float(jet_resolution(energies))
        result["error"] = float(jet_resolution(energies[draws]).std(ddof=1))
        result["mean"] = float(rms90(energies)[1])
    return result


def ratio(sample, reference, low, high):
    """Resolution relative to a reference model; events they share are resampled together, so that what both have in
    common cancels."""
    chosen, base = sample.inside(low, high), reference.inside(low, high)
    first, second = sample.total[chosen], reference.total[base]
    if min(len(first), len(second)) < 20:
        return None
    paired = np.array_equal(sample.keys[chosen], reference.keys[base])
    value = float(jet_resolution(first) / jet_resolution(second))
    one = resamples(len(first), f"{sample.sample} {low} {high}")
    two = one if paired else resamples(len(second), f"{sample.sample} {low} {high} reference")
    error = float((jet_resolution(first[one]) / jet_resolution(second[two])).std(ddof=1))
    return {"cos_low": low, "cos_high": high, "ratio": value, "error": error, "paired": paired}


def analyse(samples):
    """Everything compare.py writes and draws, by sample and model. The first model by name is the reference."""
    models = sorted({sample.model for sample in samples})
    result = {"reference": models[0], "models": models, "samples": {}}
    ranges = [*zip(EDGES[:-1], EDGES[1:])]
    for name, energy in sorted({(s.sample, s.energy) for s in samples}, key=lambda pair: (pair[1], pair[0])):
        found = {s.model: s for s in samples if s.sample == name}
        entry = {"energy": energy, "models": {}}
        for model in sorted(found):
            one = {"events": len(found[model].total), "bins": [measure(found[model], *r) for r in ranges],
                   "barrel": measure(found[model], *BARREL), "forward": measure(found[model], *FORWARD)}
            if model != models[0] and models[0] in found:
                one["ratios"] = [ratio(found[model], found[models[0]], *r) for r in ranges]
                one["barrel_ratio"] = ratio(found[model], found[models[0]], *BARREL)
                one["forward_ratio"] = ratio(found[model], found[models[0]], *FORWARD)
            entry["models"][model] = one
        result["samples"][name] = entry
    return result
