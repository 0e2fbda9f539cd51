#!/usr/bin/env python3
"""The console's speed, over a pseudo-terminal as a terminal has it: from a key's bytes to the last byte of its frame; what
it costs when nothing happens; and what sending loses when somebody watches.

environment: SIZES (recipients, "10000 1000000"), KEYS (a measure, 200), SENDS (messages a run with the console open and
closed, 30000; 0 leaves it out), ROUNDS (pairs of them, 3), IDLE (seconds, 10), COLUMNS and ROWS of the terminal (120 x 40),
OUTPOST (the binary), BUDGET (seconds, 170: no further measure begins after it), OUT (also write the table there).

Latency depends on what else the machine does; CPU a key (user + system, all threads of the console) hardly does."""
import contextlib, fcntl, os, pty, select, shutil, signal, struct, subprocess, sys, tempfile, termios, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from campaign import make_campaign
from sink import Sink

SIZES = [int(n) for n in (os.environ.get("SIZES") or "10000 1000000").split()]
KEYS = int(os.environ.get("KEYS") or 200)
SENDS = int(os.environ.get("SENDS") or 30000)
ROUNDS = int(os.environ.get("ROUNDS") or 3)
IDLE = float(os.environ.get("IDLE") or 10)
COLUMNS = int(os.environ.get("BENCH_COLUMNS") or 120)
ROWS = int(os.environ.get("BENCH_ROWS") or 40)
BUDGET = float(os.environ.get("BUDGET") or 170)
OUT = os.environ.get("OUT") or ""
OUTPOST = os.path.abspath(os.environ.get("OUTPOST") or f"{here}/../.build/release/outpost")
DOWN, PAGE, ESCAPE, ENTER = b"\x1bOB", b"\x1b[6~", b"\x1b", b"\r"

began = time.monotonic()
rows = []  # (queue, measure, value)


class Console:
    """`outpost` on a terminal of its own."""

    def __init__(self, home, columns=COLUMNS, lines=ROWS):
        environment = {k: v for k, v in os.environ.items() if k not in ("OUTPOST_HOME", "NO_COLOR", "LC_ALL", "LANGUAGE")}
        environment |= {"OUTPOST_HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self.begun = time.perf_counter()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execve(OUTPOST, [OUTPOST], environment)
        self.bytes = 0

    def read(self, quiet, longest=10.0, until=None):
        """Reads until nothing came for `quiet` seconds (or `until` came); answers the moment of the last byte and the bytes."""
        got, last, end = b"", None, time.perf_counter() + longest
        while True:
            left = min(quiet if last is not None else longest, end - time.perf_counter())
            if left <= 0 or not select.select([self.terminal], [], [], left)[0]:
                return last, got
            try:
                piece = os.read(self.terminal, 65536)
            except OSError:
                return last, got
            last = time.perf_counter()
            got += piece
            self.bytes += len(piece)
            if until and until in got:
                return last, got

    def settle(self, quiet=0.25):
        return self.read(quiet, longest=3.0)

    def press(self, key, longest=1.0):
        """Milliseconds from the key to the last byte of its frame; None when nothing was drawn."""
        start = time.perf_counter()
        os.write(self.terminal, key)
        last, _ = self.read(0.004, longest=longest)
        return None if last is None else (last - start) * 1000

    def cpu(self):
        """User and system seconds so far, in ticks of the scheduler's nanoseconds."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                total += int(open(f"/proc/{self.pid}/task/{task}/schedstat").read().split()[0])
            except OSError:
                pass
        return total / 1e9

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            self.read(0.01, longest=0.05)
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                break
        else:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)


@contextlib.contextmanager
def prompt():
    """This process is only the watch: where it may, it goes before others, so that its own waiting is not measured."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except OSError:
        pass
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def is_late():
    return time.monotonic() - began > BUDGET


def share(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def report(queue, measure, value):
    rows.append((queue, measure, value))
    print(f"{queue:>24}  {measure:<28} {value}", flush=True)


def keys(console, queue, measure, sequence, pause=0.02):
    """Presses keys one after the other, as a person holding one down does, and reports latency and CPU."""
    if is_late():
        return
    console.settle()
    times, before = [], console.cpu()
    with prompt():
        for key in sequence:
            taken = console.press(key)
            if taken is not None:
                times.append(taken)
            time.sleep(pause)
    spent = (console.cpu() - before) * 1000 / len(sequence)
    if not times:
        return report(queue, measure, "drew nothing")
    report(queue, measure, f"p50 {share(times, .5):6.2f}  p99 {share(times, .99):6.2f} ms   {spent:5.2f} ms CPU a key"
                           + ("" if len(times) == len(sequence) else f"   ({len(sequence) - len(times)} drew nothing)"))


def idle(console, queue, measure):
    if is_late():
        return
    console.settle(0.5)
    before, drawn, start = console.cpu(), console.bytes, time.perf_counter()
    while (left := IDLE - (time.perf_counter() - start)) > 0:
        console.read(10, longest=left)
    seconds = time.perf_counter() - start
    report(queue, measure, f"{(console.cpu() - before) / seconds * 100:.3f} % CPU, {console.bytes - drawn} bytes in {seconds:.0f} s")


def home(work, name, port):
    folder = f"{work}/{name}"
    os.makedirs(folder)
    with open(f"{folder}/config.toml", "w") as f:
        f.write(f'[[account]]\nname = "bench"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\nfrom = "news@example.org"\n'
                'sessions = 20\nmessages_per_session = 1000000\n[[limit]]\nscope = "source"\ncount = 1000000000\nper = "1h"\n')
    os.chmod(f"{folder}/config.toml", 0o600)
    return folder


def outpost(folder, *words):
    subprocess.run([OUTPOST, "--home", folder, *words], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def campaign(work, count):
    """A small message to many people, written quickly."""
    folder = f"{work}/people-{count}"
    make_campaign(folder, 1, size=2048)
    with open(f"{folder}/people.csv", "w") as f:
        f.write("email,name,company,city,code\n")
        f.writelines(f"reader{i:07d}@d{i % 64}.example.net,Ada,Engel,Lyon,{i * 2654435761 % 1099511627776:010x}\n" for i in range(count))
    return folder


def size(work, count):
    folder, queue = home(work, f"home-{count}", 9), f"{count:,} recipients"
    source = campaign(work, count)
    outpost(folder, "import", source)
    shutil.rmtree(source)
    console = Console(folder)
    try:
        last, _ = console.read(0.3, until=b"bench")
        report(queue, "start to first figures", f"{(last - console.begun) * 1000:.0f} ms")
        keys(console, queue, "open, back", [ENTER, ESCAPE] * (KEYS // 4))
        keys(console, queue, "help, back", [b"?", b"?"] * (KEYS // 4))
        idle(console, queue, "idle, campaigns")
        people(console, queue, count)
    finally:
        console.close()
    shutil.rmtree(folder)


def people(console, queue, count):
    """The list of everybody, a search, and one recipient's story."""
    console.press(b"2")
    keys(console, queue, "people, down", [DOWN] * KEYS)
    keys(console, queue, "people, a page down", [PAGE] * (KEYS // 2))
    keys(console, queue, "people, last and first", [b"G", b"g"] * (KEYS // 10), pause=0.05)
    keys(console, queue, "story, back", [ENTER, ESCAPE] * (KEYS // 10), pause=0.05)
    if is_late():
        return
    # The first search takes all addresses into the index; those after it find them there.
    console.settle()
    os.write(console.terminal, b"/")
    console.settle()
    start = time.perf_counter()
    os.write(console.terminal, b"%07d" % (count // 2))
    last, got = console.read(5, longest=max(5, BUDGET - (time.monotonic() - began)), until=b"found")
    report(queue, "first search, index anew", f"{last - start:.2f} s" if b"found" in got else "not in time")
    times = []
    for number in range(10):
        console.press(b"\x15")  # ^U
        console.settle()
        start = time.perf_counter()
        os.write(console.terminal, b"%07d" % ((number * 7919 + 13) % count))
        last, _ = console.read(0.2)
        if last:
            times.append((last - start) * 1000)
    if times:
        report(queue, "search, to its answer", f"p50 {share(times, .5):6.1f}  worst {max(times):6.1f} ms, 60 of them waiting for more letters")
    console.press(b"\x15")
    keys(console, queue, "search, a letter", [bytes([letter]) for letter in b"reader0000" * (KEYS // 20)], pause=0.01)


def sending(work):
    """The same campaign sent with nobody watching and with the console open on it, in turn."""
    sink = Sink(work)
    source = campaign(work, SENDS)
    rates = {"closed": [], "open": []}
    try:
        for number in range(ROUNDS):
            for how in (("closed", "open") if number % 2 == 0 else ("open", "closed")):
                if is_late():
                    break
                folder = home(work, f"send-{number}-{how}", sink.port)
                outpost(folder, "import", source)
                console = Console(folder) if how == "open" else None
                if console:
                    console.settle()
                    console.press(ENTER)
                start = time.perf_counter()
                process = subprocess.Popen([OUTPOST, "--home", folder, "send", "bench", "--progress", "none", "--yes"],
                                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                if console and number == 0:
                    time.sleep(0.3)
                    times, before, pressed = [], console.cpu(), 0
                    with prompt():
                        while process.poll() is None and pressed < KEYS:
                            taken = console.press(b"?")
                            if taken is not None:
                                times.append(taken)
                            pressed += 1
                            time.sleep(0.02)
                    if times:
                        report("while sending", "help, back", f"p50 {share(times, .5):6.2f}  p99 {share(times, .99):6.2f} ms   "
                               f"{(console.cpu() - before) * 1000 / pressed:5.2f} ms CPU a key, its own work each second in it")
                while process.poll() is None:
                    if console:
                        console.read(0.05, longest=0.05)
                    else:
                        time.sleep(0.005)
                seconds = time.perf_counter() - start
                if not (console and number == 0):  # keys were pressed in that one
                    rates[how].append(SENDS / seconds)
                if console:
                    console.close()
                shutil.rmtree(folder)
    finally:
        sink.close()
    if rates["closed"] and rates["open"]:
        middle = {how: share(values, .5) for how, values in rates.items()}
        report("while sending", "messages/s, open / closed",
               f"{middle['open']:.0f} / {middle['closed']:.0f} = {middle['open'] / middle['closed']:.3f}"
               f"   ({len(rates['open'])} and {len(rates['closed'])} runs)")


def main():
    work = tempfile.mkdtemp(prefix="outpost-console-bench-")
    try:
        print(f"terminal {COLUMNS} x {ROWS}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
        for count in SIZES:
            if not is_late():
                size(work, count)
        if SENDS and not is_late():
            sending(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    table = ["| queue | measure | value |", "| --- | --- | --- |"] + [f"| {q} | {m} | {' '.join(v.split())} |" for q, m, v in rows]
    if OUT:
        with open(OUT, "w") as f:
            f.write("\n".join(table) + "\n")
    print("\n" + "\n".join(table))
    print(f"\n{time.monotonic() - began:.0f} s")


main()
