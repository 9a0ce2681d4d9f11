"""Reconstructs simulated events: particle flow, then two jets with the Durham algorithm (fastjet).

The seed only names the job: the reconstruction draws no random numbers, and the same input gives the same output.
"""

import argparse

import payload
import numpy as np

import flow
import store

EVENT = ("quark_cos", "quark_pdg", "visible")
TRACK = ("px", "py", "pz", "x", "y", "z", "kind", "hits")
CLUSTER = ("energy", "x", "y", "z", "em")


def load(path):
    """A simulated file, with the columns of tracks and clusters checked against the events."""
    meta, columns = store.load(path, "sim", EVENT)
    try:
        for kind, names in (("track", TRACK), ("cluster", CLUSTER)):
            start = columns[f"{kind}_start"]
            lengths = {len(columns[f"{kind}_{name}"]) for name in names}
            if len(start) != len(columns["event"]) + 1 or lengths != {int(start[-1])} or np.any(np.diff(start) < 0):
                raise payload.Failure(payload.BAD_DATA, f"{path} has {kind} columns that do not fit its events")
    except KeyError as error:
        raise payload.Failure(payload.BAD_DATA, f"{path} lacks the column {error}") from error
    return meta, columns


def matrix(columns, kind, names):
    """Columns of tracks or clusters side by side, in double precision."""
    return np.column_stack([columns[f"{kind}_{name}"] for name in names]).astype(np.float64)


def cluster_jets(fastjet, definition, particles):
    """The two jets (px, py, pz, energy), the more energetic first, and the Durham distance y23; zeros if there are
    fewer than two particles."""
    if len(particles) < 2:
        return np.zeros((2, 4)), 0.0
    inputs = [fastjet.PseudoJet(*row) for row in particles.tolist()]
    sequence = fastjet.ClusterSequence(inputs, definition)
    jets = sorted(((j.e(), j.px(), j.py(), j.pz()) for j in sequence.exclusive_jets(2)), reverse=True)
    distance = sequence.exclusive_ymerge(2) if len(particles) > 2 else 0.0
    return np.array([(px, py, pz, e) for e, px, py, pz in jets]), distance


def reconstruct(columns):
    """Jets (n, 2, 4), visible energies and y23 of all events."""
    import fastjet

    definition = fastjet.JetDefinition0Param(fastjet.ee_kt_algorithm)
    momenta, impacts = matrix(columns, "track", ("px", "py", "pz")), matrix(columns, "track", ("x", "y", "z"))
    points = matrix(columns, "cluster", ("x", "y", "z"))
    energies = columns["cluster_energy"].astype(np.float64)
    kinds, flags = columns["track_kind"], columns["cluster_em"]
    count = len(columns["event"])
    jets, energy, y23 = np.zeros((count, 2, 4)), np.zeros(count), np.zeros(count)
    progress = payload.Progress(count)
    track, cluster = columns["track_start"].tolist(), columns["cluster_start"].tolist()
    for i in range(count):
        t, c = slice(track[i], track[i + 1]), slice(cluster[i], cluster[i + 1])
        found = flow.particles((momenta[t], impacts[t], kinds[t]), (energies[c], points[c], flags[c]))
        energy[i] = found[:, 3].sum()
        jets[i], y23[i] = cluster_jets(fastjet, definition, found)
        progress.update(i + 1)
    return jets, energy, y23


def main(arguments):
    payload.check_count("--seed", arguments.seed, 0)
    payload.clear(arguments.output, [arguments.input])
    meta, columns = load(arguments.input)
    jets, energy, y23 = reconstruct(columns)
    momentum = np.maximum(np.sqrt((jets[:, :, :3] ** 2).sum(axis=2)), 1e-9)
    axis = jets[:, 0, :3] - jets[:, 1, :3]
    length = np.maximum(np.sqrt((axis**2).sum(axis=1)), 1e-9)
    result = {name: columns[name] for name in ("origins", "origin", "event", *EVENT)}
    result["jet_energy"] = store.quantise(jets[:, :, 3], 18)
    result["jet_cos"] = (jets[:, :, 2] / momentum).astype(np.float32)
    result["axis_cos"] = (axis[:, 2] / length).astype(np.float32)
    result["energy"] = store.quantise(energy, 18)
    result["y23"] = store.quantise(y23)
    store.save(arguments.output, "rec", meta, result, [arguments.input])
    count, mean = len(energy), float(energy.mean())
    print(f"reconstructed {count} {meta['sample']} events of {meta['detector']}, "
          f"mean energy {mean:.2f} GeV: {arguments.output}")
    payload.report(count, count, {"rec": (arguments.output, count)}, {"mean_energy": mean})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="reconstruct.py", description=__doc__)
    parser.add_argument("--input", required=True, help="a file of simulate.py")
    parser.add_argument("--output", required=True, help="a .npz file")
    parser.add_argument("--seed", type=int, default=0)
    payload.run(main, parser)
