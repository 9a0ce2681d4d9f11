"""Simulates the response of one detector model to generated events.

The range of events counts positions in the input file: --first-event 0 is the first. A file with fewer events than
asked for is an error, and nothing is written.
"""

import argparse
import gzip
import os
import re
import time
import zlib

import payload
import numpy as np

import detector
import response
import store
from randoms import Randoms, particle_keys

SAMPLE = re.compile(r"(uds)(\d+) seed=(\d+) events=(\d+)")


def sample_of(event, path):
    """Process, energy and Pythia seed of the generated file, from the record generate.py put into its run."""
    for tool in event.run_info.tools if event.run_info else ():
        match = SAMPLE.fullmatch(tool.description)
        if match:
            return match[1], int(match[2]), int(match[3])
    raise payload.Failure(payload.BAD_DATA, f"{path} does not say how it was generated (no tool record of generate.py)")


def read(path, first, count):
    """The events at positions `first` to `first` + `count` - 1: the sample, and one numpy table per event."""
    import pyhepmc

    if not os.path.isfile(path):
        raise payload.Failure(payload.NO_INPUT, f"input file {path} does not exist")
    sample, tables = None, []
    progress = payload.Progress(2 * (first + count))
    position = 0
    try:
        with gzip.open(path, "rb") as archive, pyhepmc.open(archive, format="hepmc3") as reader:
            for position, event in enumerate(reader):
                sample = sample or sample_of(event, path)
                if event.event_number != position:
                    message = f"{path} is damaged: event {event.event_number} stands at position {position}"
                    raise payload.Failure(payload.BAD_DATA, message)
                if position >= first:
                    tables.append(table(event, path, position))
                progress.update(position)
                if len(tables) == count:
                    break
    except (OSError, EOFError, zlib.error) as error:
        raise payload.Failure(payload.BAD_DATA, f"{path} is damaged after event {position}: {error}") from error
    if len(tables) < count:
        message = f"{path} has only {len(tables)} of the {count} events asked for from event {first} on"
        raise payload.Failure(payload.BAD_DATA, message)
    return sample, tables


def table(event, path, position):
    """Momentum, energy, identity and status of the particles of one event, in the order of the file."""
    columns = event.numpy.particles
    rows = np.stack([columns.px, columns.py, columns.pz, columns.e, columns.pid, columns.status])
    if np.count_nonzero(rows[5] == 23) != 2 or not np.any(rows[5] == 1):
        raise payload.Failure(payload.BAD_DATA, f"{path} is damaged: event {position} has no quarks or no particles")
    return rows


def offsets(particle_event, particles, count):
    """Where the rows of each event start: `count` + 1 positions."""
    return np.searchsorted(particle_event[particles], np.arange(count + 1)).astype(np.int32)


def columns_of(model, tables, sample, seed, first):
    """The columns of the output file."""
    process, energy, generator_seed = sample
    origin = f"{process}{energy}/{generator_seed}"
    count = len(tables)
    sizes = [rows.shape[1] for rows in tables]
    event = np.repeat(np.arange(count), sizes)
    place = np.concatenate([np.arange(size) for size in sizes])
    px, py, pz, e, pdg, status = np.concatenate(tables, axis=1)
    quark = np.flatnonzero((status == 23) & (pdg > 0))
    seen = np.flatnonzero((status == 1) & ~np.isin(np.abs(pdg), response.INVISIBLE))
    keys = particle_keys(seed, origin, event[seen] + first, place[seen])
    particles = px[seen], py[seen], pz[seen], e[seen], pdg[seen].astype(np.int64)
    track, cluster = response.simulate(model, particles, Randoms(keys))
    momentum = np.sqrt(px[quark] ** 2 + py[quark] ** 2 + pz[quark] ** 2)
    columns = {
        "origins": np.array([origin]),
        "origin": np.zeros(count, dtype=np.int32),
        "event": np.arange(first, first + count, dtype=np.int64),
        "quark_cos": (pz[quark] / momentum).astype(np.float32),
        "quark_pdg": pdg[quark].astype(np.int8),
        "visible": store.quantise(np.bincount(event[seen], e[seen], count), 20),
        "track_start": offsets(event[seen], track[0], count),
        "cluster_start": offsets(event[seen], cluster[0], count),
        "track_kind": track[4].astype(np.int8),
        "track_hits": track[5].astype(np.int16),
        "cluster_em": cluster[5],
    }
    for name, values in zip(("px", "py", "pz"), track[1:4]):
        columns[f"track_{name}"] = store.quantise(values, 18)
    for name, values in zip(("x", "y", "z"), track[6:9]):
        columns[f"track_{name}"] = store.quantise(values)
    for name, values in zip(("energy", "x", "y", "z"), cluster[1:5]):
        columns[f"cluster_{name}"] = store.quantise(values)
    return columns


def main(arguments):
    payload.check_count("--events", arguments.events, 1)
    payload.check_count("--first-event", arguments.first_event, 0)
    payload.check_count("--seed", arguments.seed, 0)
    model = detector.parse(arguments.detector)
    payload.clear(arguments.output, [arguments.input])
    sample, tables = read(arguments.input, arguments.first_event, arguments.events)
    started = time.monotonic()
    columns = columns_of(model, tables, sample, arguments.seed, arguments.first_event)
    meta = {
        "detector": model.name,
        "physics_list": arguments.physics_list,
        "process": sample[0],
        "energy": sample[1],
        "sample": f"{sample[0]}{sample[1]}",
    }
    size = store.save(arguments.output, "sim", meta, columns, [arguments.input])
    tracks, clusters = len(columns["track_px"]), len(columns["cluster_x"])
    print(f"simulated {arguments.events} {meta['sample']} events from event {arguments.first_event} on "
          f"in {model.name}: {tracks} tracks, {clusters} clusters, {size} bytes: {arguments.output}")
    payload.report(arguments.events, arguments.events, {"sim": (arguments.output, arguments.events)},
                   {"tracks": tracks, "clusters": clusters, "response_seconds": time.monotonic() - started},
                   [(arguments.input, arguments.first_event, arguments.events)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="simulate.py", description=__doc__)
    parser.add_argument("--detector", required=True, help="such as ILD_00_noETD_TPCEP_0.30X0_100mm_z2350mm")
    parser.add_argument("--physics-list", required=True, choices=["LCPhys"])
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--events", required=True, type=int)
    parser.add_argument("--first-event", required=True, type=int)
    parser.add_argument("--input", required=True, help="a .hepmc.gz file of generate.py")
    parser.add_argument("--output", required=True, help="a .npz file")
    payload.run(main, parser)
