"""Merges reconstructed files of one detector model and one sample. An event that occurs twice is an error."""

import argparse
import os

import payload
import numpy as np

import store

NAMES = ("quark_cos", "quark_pdg", "visible", "jet_energy", "jet_cos", "axis_cos", "energy", "y23")
SAME = ("detector", "physics_list", "sample")


class Merge:
    """Files taken in one by one, with the checks across files."""

    def __init__(self):
        self.meta = None
        self.origins, self.parts, self.seen = [], [], {}

    def add(self, path):
        meta, columns = store.load(path, "rec", NAMES)
        self.meta = self.meta or meta
        for name in SAME:
            if meta[name] != self.meta[name]:
                message = f"{path} has {name} {meta[name]}, the files before it {self.meta[name]}: merge like with like"
                raise payload.Failure(payload.BAD_DATA, message)
        names = [str(name) for name in columns["origins"]]
        self.origins += [name for name in names if name not in self.origins]
        rows = np.array([self.origins.index(name) for name in names], dtype=np.int32)
        columns["origin"] = rows[columns["origin"]]
        for key in zip(columns["origin"].tolist(), columns["event"].tolist()):
            if key in self.seen:
                message = (f"event {key[1]} of {self.origins[key[0]]} occurs twice: "
                           f"in {self.seen[key]} and in {path}; leave one of them out")
                raise payload.Failure(payload.BAD_DATA, message)
            self.seen[key] = path
        self.parts.append({name: columns[name] for name in ("origin", "event", *NAMES)})

    def result(self):
        """All columns, sorted by origin and event so that the order of the inputs does not matter."""
        columns = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        ranks = np.argsort(np.argsort(np.array(self.origins)))
        columns["origin"] = ranks[columns["origin"]].astype(np.int32)
        order = np.lexsort((columns["event"], columns["origin"]))
        return {"origins": np.array(sorted(self.origins)), **{name: values[order] for name, values in columns.items()}}


def main(arguments):
    payload.clear(arguments.output, arguments.inputs)
    merge, progress = Merge(), payload.Progress(len(arguments.inputs))
    for done, path in enumerate(arguments.inputs):
        merge.add(path)
        progress.update(done + 1)
    columns = merge.result()
    count = len(columns["event"])
    size = store.save(arguments.output, "rec", merge.meta, columns, arguments.inputs)
    print(f"merged {count} {merge.meta['sample']} events of {merge.meta['detector']} "
          f"from {len(arguments.inputs)} files and {len(merge.origins)} generated samples, "
          f"{size} bytes: {os.path.basename(arguments.output)}")
    payload.report(count, count, {"merged": (arguments.output, count)}, {"files": len(arguments.inputs)},
                   [(path, 0, len(part["event"])) for path, part in zip(arguments.inputs, merge.parts)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="merge.py", description=__doc__)
    parser.add_argument("--output", required=True, help="a .npz file")
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="files of reconstruct.py, or merged ones")
    payload.run(main, parser)
