"""What every step of the study shares: errors, progress, reports and files that appear whole or not at all.

The contract with the agent is two environment variables. A step that finds MILLRACE_REPORT writes there, last of all,
how many events it read and wrote and which files it made; with MILLRACE_METRICS it also writes a flat object of
numbers. Neither is needed to run a step by hand.
"""

import json
import os
import sys
import time

# numpy chooses its inner loops by the processor it finds, and they differ in the last bit. With the choice switched
# off x86-64 machines compute the same numbers, which is what makes a repeated job the same physics.
os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR")
# A job owns one core; idle threads of the linear algebra library would only count against its memory.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Exit statuses follow <sysexits.h>.
USAGE = 64
BAD_DATA = 65
NO_INPUT = 66
INTERNAL = 70
NO_OUTPUT = 73


class Failure(Exception):
    """An error with the exit status of the process and one line for the user."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Progress:
    """Prints the fraction done, at most twice a second, in the form the agent reads."""

    def __init__(self, total):
        self.total = max(total, 1)
        self.last = time.monotonic()

    def update(self, done):
        now = time.monotonic()
        if now - self.last >= 0.6:
            self.last = now
            print(f"millrace-progress {min(done / self.total, 1.0):.2f}", flush=True)


def clear(path, inputs=()):
    """Removes what an earlier try left under the name of an output, after making sure that it is not an input."""
    if any(os.path.exists(path) and os.path.exists(name) and os.path.samefile(path, name) for name in inputs):
        raise Failure(USAGE, f"{path} is both input and output: choose another --output")
    try:
        for name in (path, f"{path}.part"):
            if os.path.lexists(name):
                os.remove(name)
    except OSError as error:
        raise Failure(NO_OUTPUT, f"cannot replace {path}: {error.strerror}") from error


class Output:
    """A file that exists under its name only when it is complete.

    A file left by an earlier try is removed first, so that a step that fails leaves nothing that looks like a result.
    """

    def __init__(self, path, inputs=()):
        self.path = path
        self.part = f"{path}.part"
        clear(path, inputs)

    def __enter__(self):
        try:
            self.file = open(self.part, "wb")
        except OSError as error:
            raise Failure(NO_OUTPUT, f"cannot write {self.path}: {error.strerror}") from error
        return self.file

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.file.flush()
                os.fsync(self.file.fileno())
            self.file.close()
            if kind is None:
                os.replace(self.part, self.path)
            else:
                os.remove(self.part)
        except OSError as problem:
            raise Failure(NO_OUTPUT, f"cannot write {self.path}: {problem.strerror}") from problem
        return False


def write_json(path, value):
    """Writes a JSON object with sorted keys, whole or not at all."""
    with Output(path) as file:
        file.write((json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def report(read, written, outputs, metrics=None, ranges=None):
    """Tells the agent what was done. `outputs` maps a stream to (path, events); `ranges` lists which events were read:
    (path, number of the first in that file, events)."""
    path = os.environ.get("MILLRACE_REPORT")
    if path:
        streams = {stream: {"path": name, "events": events} for stream, (name, events) in outputs.items()}
        told = {"events_read": read, "events_written": written, "outputs": streams}
        if ranges is not None:
            told["ranges"] = [{"input": name, "first_event": first, "events": events} for name, first, events in ranges]
        write_json(path, told)
    path = os.environ.get("MILLRACE_METRICS")
    if path and metrics:
        write_json(path, metrics)


def check_count(name, value, least):
    """Refuses a number on the command line that is too small."""
    if value < least:
        raise Failure(USAGE, f"{name} must be at least {least}, not {value}")


def run(main, parser):
    """Runs a step: every error becomes one line on standard error and an exit status that is not zero."""
    parser.exit_on_error = True
    parser.error = lambda message: fail(parser.prog, USAGE, message)
    arguments = parser.parse_args()
    stale = os.environ.get("MILLRACE_REPORT")
    try:
        if stale and os.path.exists(stale):
            os.remove(stale)
        main(arguments)
        print("millrace-progress 1.00", flush=True)
    except Failure as error:
        fail(parser.prog, error.status, str(error))
    except MemoryError:
        fail(parser.prog, INTERNAL, "out of memory: ask for fewer events or for more memory")
    except Exception as error:
        text = " ".join(str(error).split()) or "no further text"
        fail(parser.prog, INTERNAL, f"{type(error).__name__}: {text}")


def fail(program, status, message):
    """Ends the process with one line of explanation."""
    sys.stdout.flush()
    print(f"{program}: {message}", file=sys.stderr, flush=True)
    sys.exit(status)
