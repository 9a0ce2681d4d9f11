"""Compares detector models: jet energy resolution against |cos theta| for each sample, as numbers and as a figure.

The files say themselves which model and sample they hold. Writes resolution.json, resolution.png and both as
resolution.tar.gz into the output directory.
"""

import argparse
import gzip
import io
import os
import tarfile

import payload
import resolution


def collect(paths):
    """The merged files; two of the same model and sample are an error."""
    samples, known = [], {}
    for path in paths:
        sample = resolution.Sample(path)
        key = sample.sample, sample.model
        if key in known:
            message = f"{path} and {known[key]} both hold {key[0]} of {key[1]}: merge them with merge.py"
            raise payload.Failure(payload.BAD_DATA, message)
        known[key] = path
        samples.append(sample)
    return samples


def archive(names, directory):
    """A reproducible .tar.gz of files in a directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(names):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = os.path.getsize(os.path.join(directory, name)), 0o644
            with open(os.path.join(directory, name), "rb") as file:
                tar.addfile(entry, file)
    return gzip.compress(buffer.getvalue(), mtime=0)


def summary(result):
    """Lines for the log: the barrel, the forward region, and the ratio to the reference with its error."""
    yield f"{'sample':8} {'model':42} {'events':>6} {'barrel %':>13} {'forward %':>13} {'forward ratio':>15}"
    for name, sample in result["samples"].items():
        for model, entry in sample["models"].items():
            cells = [text(entry[region], "resolution", 100.0) for region in ("barrel", "forward")]
            last = text(entry.get("forward_ratio"), "ratio", 1.0)
            yield f"{name:8} {model:42} {entry['events']:6} {cells[0]:>13} {cells[1]:>13} {last:>15}"


def text(measured, key, scale):
    if measured is None or measured[key] is None:
        return "-"
    return f"{scale * measured[key]:.3f}±{scale * measured['error']:.3f}"


def main(arguments):
    directory = arguments.output_dir
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise payload.Failure(payload.NO_OUTPUT, f"cannot make {directory}: {error.strerror}") from error
    paths = {name: os.path.join(directory, f"resolution.{name}") for name in ("json", "png", "tar.gz")}
    for path in paths.values():
        payload.clear(path, arguments.inputs)
    samples = collect(arguments.inputs)
    result = resolution.analyse(samples)
    payload.write_json(paths["json"], result)
    import plots  # matplotlib takes a second to start: only once there is something to draw

    with payload.Output(paths["png"]) as file:
        plots.draw(result, file)
    with payload.Output(paths["tar.gz"]) as file:
        file.write(archive(["resolution.json", "resolution.png"], directory))
    print("\n".join(summary(result)))
    count = sum(len(sample.total) for sample in samples)
    payload.report(count, count, {"plots": (paths["tar.gz"], count), "numbers": (paths["json"], count)},
                   {"files": len(samples)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__)
    parser.add_argument("--output-dir", required=True)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="merged files, one for each model and sample")
    payload.run(main, parser)
