#!/usr/bin/env python3
"""What grows, waits and starts again: the rows of the design's table that bench.py has no room for. Every figure is a ratio within
one run, or a time of one process, over several rounds.

usage: more.py [PART …]   parts: slow resume growth kill start caps size; without one: all but size
  slow     a server that takes 20 ms for each final reply, over 100 connections
  resume   reconnects that resume their TLS session
  growth   1,000,000 people: import beside `sqlite3 .import`, rate beside a queue of 20,000, memory
  kill     kill -9 while sending from 1,000,000, and the time to the next message
  start    --help, and status at 1,000,000
  caps     a message under a cap of 10,000,000 a day, with so many grants in the ledger, beside one under a cap of 100
  size     10,000,000 people: cost of a message beside a queue of 10,000, and status (3 to 6 minutes, 3 GB of disk)

environment: ROUNDS (3), PEOPLE (1000000, for a try with less), MANY (10000000), OUT (the report), OUTPOST (the binary), BENCH_DATA (a
folder on the disk to measure), BUDGET (seconds, 700: no part begins after that)."""
import collections, os, shutil, signal, sqlite3, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from campaign import make_campaign, make_certificate, make_people
from harness import OUTPOST, Home, expect, machine, median_start, paired, quiet_children, save, summary, timed
from sink import Sink

ROUNDS = int(os.environ.get("ROUNDS") or 3)
PEOPLE = int(os.environ.get("PEOPLE") or 1_000_000)
MANY = int(os.environ.get("MANY") or 10_000_000)
FEW = min(20_000, PEOPLE // 50)
OUT = os.environ.get("OUT") or ""
BUDGET = int(os.environ.get("BUDGET") or 700)
PARTS = ["slow", "resume", "growth", "kill", "start", "caps", "size"]

started = time.monotonic()
results = collections.defaultdict(list)
faults = []
rows = []  # what was measured, in order: words, name in results, digits, what the design wants to reach


def row(words, values, digits, goal=""):
    results[words] = values
    rows.append((words, digits, goal))


def progress(text):
    print(f"{time.monotonic() - started:5.0f} s  {text}", file=sys.stderr)


class Bench:
    """The folder of one run, and the campaigns and queues that several parts use; each is made when first asked for."""

    def __init__(self, base):
        self.work = tempfile.mkdtemp(prefix="outpost-more-", dir=base)
        os.chmod(self.work, 0o755)
        self.made = {}

    def campaign(self, people, **shape):
        """A campaign folder with so many random addresses."""
        folder = f"{self.work}/campaign-{people}" + "".join(f"-{value}" for value in shape.values())
        if not os.path.exists(folder):
            make_campaign(folder, 0, **shape)
            make_people(f"{folder}/people.csv", people)
        return folder

    def home(self, people, port, sessions=20, **shape):
        """A queue with so many people, imported once; its account leads to `port` from now on."""
        key = (people, *shape.values())
        if key not in self.made:
            self.made[key] = Home(self.work, port, sessions)
            used = self.made[key].bring(self.campaign(people, **shape), limit=600)
            progress(f"{people:,} people imported in {used.seconds:.1f} s")
        self.made[key].point(port, sessions)
        return self.made[key]

    def remove(self):
        shutil.rmtree(self.work, ignore_errors=True)


# --- Parts ---------------------------------------------------------------------------------------------------------

def slow(bench):
    connections, delay, count = 100, 0.020, 20_000
    campaign = bench.campaign(count)
    shares = []
    for _ in range(ROUNDS):
        sink = Sink(bench.work, delay=delay)
        home = Home(bench.work, sink.port, connections)
        try:
            home.bring(campaign)
            shares.append(count / home.send().seconds / (connections / delay))
            expect(sink, count)
        finally:
            sink.close()
            home.remove()
    row(f"{connections} connections, {delay * 1000:.0f} ms a final reply: rate ÷ (connections ÷ {delay * 1000:.0f} ms)", shares, 2, "0.9")


def resume(bench):
    make_certificate(bench.work)
    connections, per_session, count = 20, 10, 10_000
    campaign = bench.campaign(count)
    shares, reused, reconnecting = [], [], []
    for _ in range(ROUNDS):
        for each in (1_000_000, per_session):
            sink = Sink(bench.work, certificate=f"{bench.work}/cert.pem")
            home = Home(bench.work, sink.port, connections, "starttls", each)
            try:
                home.bring(campaign)
                rate = count / home.send().seconds
                expect(sink, count)
                if each == per_session:
                    # The first connection has nothing to resume; every other one is held against this.
                    shares.append(sink.resumed / (sink.handshakes - 1))
                    reconnecting.append(rate)
                else:
                    reused.append(rate)
            finally:
                sink.close()
                home.remove()
    row(f"STARTTLS, a new connection every {per_session} messages: share that resumed its TLS session", shares, 3, "0.99")
    row("rate of these ÷ rate with connections kept", paired(reconnecting, reused), 2)


def growth(bench):
    campaign = bench.campaign(PEOPLE)
    ours, theirs, peaks = [], [], []
    for _ in range(min(ROUNDS, 2)):
        home = Home(bench.work, 9, 20)
        used = home.bring(campaign, limit=300)
        ours.append(used.seconds)
        peaks.append(used.peak)
        home.remove()
        if shutil.which("sqlite3"):
            database = f"{bench.work}/plain.sqlite3"
            script = f"{bench.work}/import.sql"
            with open(script, "w") as f:
                f.write("create table person (email text unique, name text, company text, city text, code text);\n"
                        f".mode csv\n.import --skip 1 {campaign}/people.csv person\n")
            theirs.append(timed(["sqlite3", "-init", script, database, ".exit"], bench.work, limit=300).seconds)
            os.remove(database)
    row(f"import of {PEOPLE:,} rows (s)", ours, 1)
    if theirs:
        row("that ÷ `sqlite3 .import` into a table with a unique index", paired(ours, theirs), 2, "≤ 1.5")
    row("import, peak memory (MB)", peaks, 1, "≤ 80")
    small, large, peaks = [], [], []
    # Runs of a second each differ by a fifth on a shared machine: many pairs, and not always the same one first.
    for number in range(4 * ROUNDS + 3):
        sink = Sink(bench.work)
        home = Home(bench.work, sink.port, 20)
        try:
            home.bring(bench.campaign(FEW))
            arms = [(home, small), (bench.home(PEOPLE, sink.port), large)]
            for taken, (arm, rates) in enumerate(arms if number % 2 else arms[::-1]):
                rates.append(FEW / arm.send("--limit", str(FEW), want=(0, 75)).seconds)
                expect(sink, (taken + 1) * FEW)
        finally:
            sink.close()
            home.remove()
    row(f"rate at {PEOPLE:,} in the queue ÷ at {FEW:,}", paired(large, small), 2, "0.95")
    for sessions in (20, 500):
        sink = Sink(bench.work)
        try:
            used = bench.home(PEOPLE, sink.port, sessions).send("--limit", str(5 * FEW), want=(0, 75))
            expect(sink, 5 * FEW)
        finally:
            sink.close()
        row(f"sending {5 * FEW:,} of {PEOPLE:,} over {sessions} connections, peak memory (MB)", [used.peak], 1, "≤ 80")


def kill(bench):
    """From the start of the second process to the first message of it that the sink took."""
    times = []
    for _ in range(ROUNDS + 2):
        sink = Sink(bench.work)
        home = bench.home(PEOPLE, sink.port)
        command = [OUTPOST, "--home", home.path, "send", "bench", "--progress", "none"]
        null = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running = []
        try:
            running.append(subprocess.Popen(command, **null))
            wait_until(lambda: sink.messages > 1000, 30)
            running[0].kill()
            running[0].wait()
            time.sleep(0.3)  # what it left in the sockets is taken
            before = sink.messages
            t = time.perf_counter()
            running.append(subprocess.Popen(command, **null))
            wait_until(lambda: sink.messages > before, 30)
            times.append(time.perf_counter() - t)
            time.sleep(0.2)
        finally:
            for process in running:
                process.terminate()
                process.wait()
            sink.close()
    row(f"after kill -9 at {PEOPLE:,}: to the first message (s)", times, 2, "≤ 1")


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"nothing came in {seconds} s")
        time.sleep(0.0005)


def start(bench):
    home = bench.home(PEOPLE, 9)
    row("`--help`, start to end (ms)", median_start([OUTPOST, "--help"]), 1, "≤ 25")
    status = [OUTPOST, "--home", home.path, "status", "bench"]
    log = home.path + "/queue.sqlite3-wal"
    if os.path.exists(log) and os.path.getsize(log):
        row(f"`status` at {PEOPLE:,} with the log of a killed process beside it (ms)", median_start(status), 1)
        sink = Sink(bench.work)
        try:
            home.point(sink.port, 20)
            home.send("--limit", "1", want=(0, 75))
        finally:
            sink.close()
    row(f"`status` at {PEOPLE:,}, start to end (ms)", median_start(status), 1, "≤ 30")


def caps(bench):
    """Both caps look up one grant of the same ledger: the hundredth from its end, in a window too short to be waited for, or
    the ten millionth. The account has a second cap that needs no look-up, and a rate so small that in both cases each message is
    begun in a commit of its own."""
    count, rounds = 10_000, ROUNDS + 2
    home = Home(bench.work, 9, 5)
    home.bring(bench.campaign(2 * rounds * count + 100, size=500))
    sink = Sink(bench.work)
    try:
        home.point(sink.port, 5)
        home.send("--limit", "10", want=(75,))  # the keys by which is counted are there then
    finally:
        sink.close()
    fill_ledger(f"{home.path}/queue.sqlite3", MANY + MANY // 100)
    arms = {(100, "1ms"): [], (MANY, "24h"): []}
    alike = ("account", MANY, "24h")
    for _ in range(rounds):
        for cap, spent in arms.items():
            sink = Sink(bench.work)
            try:
                home.point(sink.port, 5, caps=[("source", *cap), alike])
                used = home.send("--limit", str(count), want=(0, 75))
                expect(sink, count)
                spent.append(used.cpu / count * 1_000_000)
            finally:
                sink.close()
    home.remove()
    few, many = arms.values()
    row("a message of 1 KB under a cap of 100, CPU from begin to settle, hand-over included (µs)", few, 1)
    row(f"under one of {MANY:,} per 24h with as many grants in its ledger (µs)", many, 1)
    row("the second ÷ the first", paired(many, few), 3, "1")


def fill_ledger(path, grants):
    """Puts grants of two days into the ledger of the source, so that a day holds about half of them."""
    with sqlite3.connect(path) as queue:
        key, = queue.execute("SELECT id FROM cap_key WHERE scope = 0").fetchone()
        now, = queue.execute("SELECT last_at FROM cap_key WHERE id = ?", (key,)).fetchone()
        hour = 3_600_000_000
        queue.execute('DELETE FROM "grant" WHERE key = ?', (key,))
        queue.execute(
            'INSERT INTO "grant" (key, seq, at, attempt) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?1) '
            "SELECT ?2, i, ?3 - 48 * ?4 + i * (47 * ?4 / ?1), 0 FROM n", (grants, key, now, hour))
        queue.execute("UPDATE cap_key SET seq = ?, last_at = ? WHERE id = ?", (grants, now - hour, key))
    with sqlite3.connect(path) as queue:
        queue.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    progress(f"{grants:,} grants written")


def size(bench):
    few = min(10_000, MANY // 10)
    shape = {"size": 500}
    bench.campaign(MANY, **shape)
    progress(f"{MANY:,} people written")
    many = bench.home(MANY, 9, **shape)
    row(f"`status` at {MANY:,}, start to end (ms)", median_start([OUTPOST, "--home", many.path, "status", "bench"]), 1, "≤ 30")
    cost = {few: [], MANY: []}
    wall = {few: [], MANY: []}
    for _ in range(ROUNDS + 2):
        for people in (few, MANY):
            sink = Sink(bench.work)
            fresh = people == few
            home = Home(bench.work, sink.port, 20) if fresh else bench.home(MANY, sink.port, **shape)
            try:
                if fresh:
                    home.bring(bench.campaign(few, **shape))
                used = home.send("--limit", str(few), want=(0, 75))
                expect(sink, few)
                cost[people].append(used.cpu)
                wall[people].append(used.seconds)
            finally:
                sink.close()
                if fresh:
                    home.remove()
    row(f"{few:,} messages of 1 KB (claim, begin, hand over, settle), CPU at {MANY:,} ÷ at {few:,}", paired(cost[MANY], cost[few]), 2, "≤ 1.2")
    row("the same, wall", paired(wall[MANY], wall[few]), 2)


# --- The report ----------------------------------------------------------------------------------------------------

def report():
    lines = [machine() + f" Load before: {load:.2f}.", "", "| measure | median | range | rounds | to reach |", "|---|---:|---:|---:|---:|"]
    for words, digits, goal in rows:
        lines.append("| {} | {} | {} | {} | {} |".format(words, *summary(results[words], digits), goal))
    lines += [f"- fault: {fault}" for fault in faults]
    return "\n".join(lines) + "\n"


HEADING = "## Size, waiting and starting again"
EXPLANATION = """
Messages of 11 KB where nothing else is said; every `send` is a whole process, start to exit, against the C sink on loopback; addresses
are random. Run it again with `make bench-more OUT=Benchmarks/RESULTS.md` (`PARTS="slow resume …"` for some of it; `size` is the one that
takes minutes).
"""
load = os.getloadavg()[0]


def main():
    parts = sys.argv[1:] or PARTS[:-1]
    if set(parts) - set(PARTS):
        sys.exit(__doc__)
    if not os.access(OUTPOST, os.X_OK):
        sys.exit(f"no outpost at {OUTPOST}: make build")
    quiet_children()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(os.environ.get("BENCH_DATA") or "/var/tmp")
    try:
        for part in PARTS:
            if part not in parts:
                continue
            if time.monotonic() - started > BUDGET:
                faults.append(f"{part}: no time was left")
                continue
            progress(part)
            try:
                globals()[part](bench)
            except Exception as error:
                faults.append(f"{part}: {error}")
    finally:
        bench.remove()
    text = report()
    print(text)
    if OUT:
        save(OUT, HEADING, text + EXPLANATION)
    sys.exit(1 if faults else 0)


main()
