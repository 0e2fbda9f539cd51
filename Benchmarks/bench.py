#!/usr/bin/env python3
"""outpost beside what else sends mail, on one machine, in one run: rounds are interleaved and ratios are paired,
since the speed of a shared disk changes from minute to minute.

environment: N (messages, 20000), ROUNDS (5), CONNS (20), OUT (also write the report there), OUTPOST (the binary),
BENCH_DATA (a folder on the disk to measure), BUDGET (seconds, 360: no round begins that could not end in it),
PEER_PYTHON (a Python that can import aiosmtplib; without one that row is left out).

Everything stays on loopback and in folders of its own, which go when it ends. more.py measures size, waiting and restarts."""
import collections, csv, os, signal, sqlite3, sys, tempfile, shutil, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from campaign import make_campaign, make_certificate, whole_message
from harness import OUTPOST, Home, build, expect, machine, paired, quiet_children, save, summary, syncs_per_second, timed
from postfix import Postfix
from sink import Sink

N = int(os.environ.get("N") or 20000)
ROUNDS = int(os.environ.get("ROUNDS") or 5)
CONNS = int(os.environ.get("CONNS") or 20)
OUT = os.environ.get("OUT") or ""
BUDGET = min(int(os.environ.get("BUDGET") or 360), 460)
PEER_PYTHON = os.environ.get("PEER_PYTHON") or ""
POSTFIX_N = min(N, 3000)
PYTHON_N = min(N, 400)

started = time.monotonic()
results = collections.defaultdict(list)  # measure -> one value a round, None where it failed
faults = []


def outpost(work, campaign, tls=None):
    """import and send, as a person would: two commands, the log and synchronous=FULL as shipped, caps raised. Answers the usage
    of each, and the syncs of the second."""
    sink = Sink(work, certificate=f"{work}/cert.pem" if tls else None)
    home = Home(work, sink.port, CONNS, tls)
    counted = os.environ["SYNCS_FILE"] = f"{home.path}/syncs"
    try:
        importing = home.bring(campaign)
        sending = home.send(preload=build(work, "syncs.c", shared=True))
        expect(sink, N)
        words = open(counted).read().split()
        return importing, sending, sum(map(int, words[1::2]))
    finally:
        sink.close()
        home.remove()


def ceiling(work, campaign):
    """The C thread of ceiling.c on a fresh database of the same people; filling it is not timed, as importing is not."""
    sink = Sink(work)
    database = f"{work}/ceiling.sqlite3"
    try:
        with open(f"{campaign}/people.csv", newline="", encoding="utf-8") as f, sqlite3.connect(database) as db:
            db.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, email, name, company, city, code, state DEFAULT 0, at DEFAULT 0)")
            rows = csv.reader(f)
            next(rows)
            db.executemany("INSERT INTO person (email, name, company, city, code) VALUES (?, ?, ?, ?, ?)", rows)
        db.close()
        used = timed([build(work, "ceiling.c", "-lsqlite3"), str(sink.port), database, f"{work}/whole.eml", str(CONNS), "1000"], work)
        expect(sink, N)
        return used.seconds
    finally:
        sink.close()
        for end in ("", "-wal", "-shm"):
            if os.path.exists(database + end):
                os.remove(database + end)


def smtp_source(work, campaign, size):
    sink = Sink(work)
    try:
        used = timed(["smtp-source", "-d", "-s", str(CONNS), "-m", str(N), "-l", str(size), "-f", "a@example.org",
                      "-t", "b@example.net", f"127.0.0.1:{sink.port}"], work)
        expect(sink, N)
        return used.seconds
    finally:
        sink.close()


def postfix(work, size):
    sink = Sink(work)
    relay = None
    try:
        relay = Postfix(work, sink.port, CONNS)
        return relay.whole(POSTFIX_N, size, sink)
    finally:
        if relay:
            relay.close()
        sink.close()


def aiosmtplib(work, campaign):
    sink = Sink(work)
    try:
        used = timed([PEER_PYTHON, f"{here}/peer_aiosmtplib.py", campaign, str(sink.port), str(CONNS), str(PYTHON_N)], work)
        expect(sink, PYTHON_N)
        return used.seconds
    finally:
        sink.close()


def one_round(number, work, campaign, size):
    results["syncs/s"].append(syncs_per_second(work))
    results["load"].append(os.getloadavg()[0])

    def plain():
        importing, sending, syncs = outpost(work, campaign)
        return {"outpost import": N / importing.seconds, "outpost drain": N / sending.seconds,
                "outpost whole": N / (importing.seconds + sending.seconds), "peak MB": sending.peak,
                "CPU": sending.cpu / N * 1e6, "syncs": syncs * 1000 / N}

    def tls():
        return {"outpost drain, STARTTLS": N / outpost(work, campaign, tls="starttls")[1].seconds}

    def floor():
        return {"ceiling": N / ceiling(work, campaign)}

    def source():
        return {"smtp-source -d": N / smtp_source(work, campaign, size)}

    def relay():
        drain, whole = postfix(work, size)
        return {"Postfix drain": POSTFIX_N / drain, "Postfix whole": POSTFIX_N / whole}

    def python():
        return {"aiosmtplib": PYTHON_N / aiosmtplib(work, campaign)}

    runs = [(plain, ["outpost import", "outpost drain", "outpost whole", "peak MB", "CPU", "syncs"]),
            (source, ["smtp-source -d"]), (floor, ["ceiling"]), (tls, ["outpost drain, STARTTLS"]),
            (relay, ["Postfix drain", "Postfix whole"])]
    if PEER_PYTHON:
        runs.append((python, ["aiosmtplib"]))
    turn = number % len(runs)
    for run, names in runs[turn:] + runs[:turn]:
        try:
            values = run()
        except Exception as error:
            faults.append(f"round {number + 1}, {names[0]}: {error}")
            values = {}
        for name in names:
            results[name].append(values.get(name))


# over, under, and what DESIGN wants to reach.
RATIOS = [("outpost drain", "smtp-source -d", "0.7"), ("outpost drain", "ceiling", "0.4"), ("outpost drain", "Postfix drain", "8"),
          ("outpost whole", "Postfix whole", "20"), ("outpost drain, STARTTLS", "outpost drain", "0.75"),
          ("outpost drain", "aiosmtplib", "50")]

EXPLANATION = """
Drain is the time of the whole `outpost send` after `outpost import`, process start to exit, with `synchronous=FULL` and every
attempt logged; whole is both commands. Postfix's drain is the time from `postqueue -f` until the sink has all, its whole adds
`smtp-source` filling its queue. `smtp-source -d` has no queue and renders nothing: it is the ceiling of a client in C. Ceiling is
one thread in C (`ceiling.c`) that leases, fills in and settles the same people in SQLite with FULL, without log, caps or judgement.
Syncs are all fdatasync and fsync calls of `outpost send`, counted in its process.
Run it again with `make bench OUT=Benchmarks/RESULTS.md`.
"""


def report(size, done):
    lines = [f"{N:,} personalised messages of {size:,} bytes over {CONNS} connections to a sink on loopback; Postfix "
             f"{POSTFIX_N:,}" + (f", aiosmtplib {PYTHON_N:,}" if PEER_PYTHON else "") + f". {done} rounds, interleaved.",
             machine(), "", "| measure | median | range | rounds |", "|---|---:|---:|---:|"]
    rows = [(f"{name} (msg/s)", name, 0) for name in ("outpost drain", "outpost drain, STARTTLS", "outpost whole", "ceiling",
                                                      "smtp-source -d", "Postfix drain", "Postfix whole", "aiosmtplib")]
    rows.insert(2, ("outpost import (rows/s)", "outpost import", 0))
    rows += [("outpost send, peak memory (MB)", "peak MB", 1), ("outpost send, CPU a message (µs)", "CPU", 0),
             ("syncs per 1,000 messages, to reach: 20", "syncs", 1), ("syncs/s of the disk", "syncs/s", 0),
             ("load before the round", "load", 2)]
    for words, name, digits in rows:
        if name in results:
            lines.append("| {} | {} | {} | {} |".format(words, *summary(results[name], digits)))
    lines += ["", "| ratio, paired within a round | median | range | rounds | to reach |", "|---|---:|---:|---:|---:|"]
    for over, under, goal in RATIOS:
        if under in results and over in results:
            lines.append("| {} ÷ {} | {} | {} | {} | {} |".format(
                over, under, *summary(paired(results[over], results[under]), 2), goal))
    lines += [f"- fault: {fault}" for fault in faults]
    return "\n".join(lines) + "\n"


def main():
    if not os.access(OUTPOST, os.X_OK):
        sys.exit(f"no outpost at {OUTPOST}: make build")
    quiet_children()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    base = os.environ.get("BENCH_DATA") or "/var/tmp"
    work = tempfile.mkdtemp(prefix="outpost-bench-", dir=base)
    os.chmod(work, 0o755)
    done = 0
    try:
        size = make_campaign(f"{work}/campaign", N)
        make_certificate(work)
        whole_message(f"{work}/campaign", f"{work}/whole.eml")
        slowest = 0
        for number in range(ROUNDS):
            t = time.monotonic()
            if t - started + slowest * 1.2 > BUDGET:
                print(f"stopping after {done} rounds: another would not end within {BUDGET} s", file=sys.stderr)
                break
            one_round(number, work, f"{work}/campaign", size)
            done += 1
            slowest = max(slowest, time.monotonic() - t)
            rate = lambda name: f"{name} {results[name][-1]:,.0f}/s" if results[name] and results[name][-1] else f"{name} failed"
            print(f"round {done}: " + ", ".join(rate(n) for n in ("outpost drain", "smtp-source -d", "ceiling", "Postfix drain")), file=sys.stderr)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = report(size, done)
    print(text)
    if OUT:
        save(OUT, "# Results", text + EXPLANATION)
    sys.exit(1 if faults else 0)


main()
