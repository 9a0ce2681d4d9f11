"""Event files of the simulation and the reconstruction: numpy archives of columns with one metadata record.

Every file has `meta` (a JSON text), `origins` (the generated samples the events came from) and, for each event,
`origin` (a row of `origins`) and `event` (the position in the generated file). An origin and an event number name one
physical event, whatever files it was copied through.
"""

import json
import os
import zipfile

import payload
import numpy as np


def quantise(values, bits=14):
    """Rounds to `bits` significant bits: more than a detector measures, and smaller on disk than a full mantissa."""
    fraction, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    return np.ldexp(np.rint(fraction * 2.0**bits), exponent - bits).astype(np.float32)


def save(path, kind, meta, columns, inputs=()):
    """Writes an event file, without time stamps, so that equal content gives equal files."""
    text = json.dumps({**meta, "kind": kind}, sort_keys=True)
    with payload.Output(path, inputs) as file:
        np.savez_compressed(file, meta=np.array(text), **columns)
    return os.path.getsize(path)


def load(path, kind, names=()):
    """Reads an event file: its metadata and its columns. `kind` is what it must be ("sim" or "rec")."""
    if not os.path.isfile(path):
        raise payload.Failure(payload.NO_INPUT, f"input file {path} does not exist")
    try:
        with np.load(path, allow_pickle=False) as archive:
            columns = {name: archive[name] for name in archive.files}
        meta = json.loads(str(columns.pop("meta")))
        found = meta["kind"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise payload.Failure(payload.BAD_DATA, f"{path} is damaged or not an event file: {error}") from error
    if found != kind:
        raise payload.Failure(payload.BAD_DATA, f"{path} holds {found} events where {kind} events are needed")
    missing = [name for name in ("origins", "origin", "event", *names) if name not in columns]
    if missing:
        raise payload.Failure(payload.BAD_DATA, f"{path} lacks the columns {', '.join(missing)}")
    lengths = {len(columns[name]) for name in ("origin", "event", *names)}
    if len(lengths) != 1 or np.any(columns["origin"] >= len(columns["origins"])):
        raise payload.Failure(payload.BAD_DATA, f"{path} has columns that do not fit each other")
    return meta, columns
