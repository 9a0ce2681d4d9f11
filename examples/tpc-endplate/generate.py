"""Generates e+ e- -> u, d, s quark pairs with Pythia 8 and writes HepMC3 (ASCII, compressed).

No initial state radiation: the quarks carry the whole energy, which is what makes them a measure of jet energy
resolution. Each event keeps the beams, the gamma*/Z, the quark pair and every stable particle.
"""

import argparse
import gzip
import io

import payload
import numpy as np

PYTHIA_SEEDS = 900_000_000
SETTINGS = (
    "Print:quiet = on",
    "Beams:idA = 11",
    "Beams:idB = -11",
    "PDF:lepton = off",
    "WeakSingleBoson:ffbar2gmZ = on",
    "23:onMode = off",
    "23:onIfAny = 1 2 3",
    "Random:setSeed = on",
)


def pythia_seed(seed):
    """Pythia takes 1 to 900,000,000; other seeds are hashed into that range (0 would mean the time of day)."""
    from randoms import text_key

    payload.check_count("--seed", seed, 0)
    return seed if 1 <= seed <= PYTHIA_SEEDS else 1 + int(text_key(f"pythia {seed}")[0]) % PYTHIA_SEEDS


def start(energy, seed):
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for setting in (*SETTINGS, f"Beams:eCM = {energy}", f"Random:seed = {seed}"):
        if not pythia.readString(setting):
            raise payload.Failure(payload.INTERNAL, f"Pythia does not know the setting {setting!r}")
    if not pythia.init():
        raise payload.Failure(payload.INTERNAL, "Pythia did not start; its own messages are above")
    return pythia


def record(event):
    """The rows kept of a Pythia event, and how many of them (beams, boson, quarks) come before the stable ones."""
    hard = [event[i] for i in range(1, 12) if event[i].statusAbs() in (12, 22, 23)]
    codes = [particle.statusAbs() for particle in hard]
    if codes != [12, 12, 22, 23, 23]:
        raise payload.Failure(payload.INTERNAL, f"unexpected hard process with status codes {codes}")
    stable = [particle for particle in event if particle.isFinal()]
    rows = [(p.px(), p.py(), p.pz(), p.e(), p.m(), p.id()) for p in (*hard, *stable)]
    return np.array(rows)


def convert(hepmc, number, rows):
    """A HepMC event of three vertices: e+ e- -> boson -> quark pair -> stable particles."""
    count = len(rows)
    status = np.ones(count, dtype=np.int32)
    status[:5] = (4, 4, 22, 23, 23)
    parents = np.full((count, 2), -1, dtype=np.int32)
    parents[2] = (0, 1)
    parents[3:5] = (2, 2)
    parents[5:] = (3, 4)
    event = hepmc.GenEvent(hepmc.Units.GEV, hepmc.Units.MM)
    px, py, pz, energy, mass = np.ascontiguousarray(rows[:, :5].T)
    identity = rows[:, 5].astype(np.int32)
    event.from_hepevt(number, px, py, pz, energy, mass, identity, status, parents=parents, fortran=False)
    return event


def write(arguments, seed, file):
    import pyhepmc

    pythia = start(arguments.energy, seed)
    sample = f"{arguments.process}{arguments.energy}"
    info = pyhepmc.GenRunInfo()
    info.tools = [pyhepmc.GenRunInfo.ToolInfo("Pythia", "8.317", f"{sample} seed={seed} events={arguments.events}")]
    info.weight_names = ["Default"]
    progress = payload.Progress(arguments.events)
    total = 0
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as archive:
        with io.BufferedWriter(archive, 1 << 20) as buffer, pyhepmc.io.pyiostream(buffer) as stream:
            writer = pyhepmc.io.WriterAscii(stream, info)
            writer.precision = 8
            for number in range(arguments.events):
                tries = 0
                while not pythia.next():
                    tries += 1
                    if tries == 10:
                        raise payload.Failure(payload.INTERNAL, f"Pythia failed 10 times in a row at event {number}")
                event = convert(pyhepmc, number, record(pythia.event))
                event.run_info = info
                event.weights = [1.0]
                writer.write(event)
                total += len(event.particles) - 5
                progress.update(number + 1)
            writer.close()
    return total


def main(arguments):
    payload.check_count("--events", arguments.events, 1)
    seed = pythia_seed(arguments.seed)
    with payload.Output(arguments.output) as file:
        total = write(arguments, seed, file)
    mean = total / arguments.events
    print(f"generated {arguments.events} {arguments.process} events at {arguments.energy} GeV, "
          f"{mean:.1f} stable particles an event, Pythia seed {seed}: {arguments.output}")
    payload.report(0, arguments.events, {"gen": (arguments.output, arguments.events)}, {"stable_particles": mean})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="generate.py", description=__doc__)
    parser.add_argument("--process", required=True, choices=["uds"])
    parser.add_argument("--energy", required=True, type=int, choices=[91, 200, 500], help="centre of mass, GeV")
    parser.add_argument("--events", required=True, type=int)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, help="a .hepmc.gz file")
    payload.run(main, parser)
