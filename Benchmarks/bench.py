#!/usr/bin/env python3
"""outpost beside what else sends mail, on one machine, in one run: rounds are interleaved and ratios are paired,
since the speed of a shared disk changes from minute to minute.

environment: N (messages, 20000), ROUNDS (5), CONNS (20), OUT (also write the report there), OUTPOST (the binary),
BENCH_DATA (a folder on the disk to measure), BUDGET (seconds, 420: no round begins that could not end in it),
PEER_PYTHON (a Python that can import aiosmtplib; without one that row is left out).

Everything stays on loopback and in folders of its own, which go when it ends."""
import collections, os, platform, shutil, signal, statistics, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from campaign import make_campaign, make_certificate
from postfix import Postfix
from sink import Sink

N = int(os.environ.get("N") or 20000)
ROUNDS = int(os.environ.get("ROUNDS") or 5)
CONNS = int(os.environ.get("CONNS") or 20)
OUT = os.environ.get("OUT") or ""
BUDGET = min(int(os.environ.get("BUDGET") or 420), 460)
OUTPOST = os.path.abspath(os.environ.get("OUTPOST") or f"{here}/../.build/release/outpost")
PEER_PYTHON = os.environ.get("PEER_PYTHON") or ""
POSTFIX_N = min(N, 3000)
PYTHON_N = min(N, 400)
os.environ["PATH"] += ":/usr/sbin:/sbin"

started = time.monotonic()
results = collections.defaultdict(list)  # measure -> one value a round, None where it failed
faults = []


def timed(command, cwd, want=(0,)):
    """Seconds and peak resident KiB of a program, from its start to its end."""
    with open(f"{cwd}/output", "ab") as output:
        t = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        killer = signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(120)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - t
        signal.alarm(0)
        signal.signal(signal.SIGALRM, killer)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in want:
        tail = open(f"{cwd}/output", errors="replace").read()[-600:]
        raise RuntimeError(f"{os.path.basename(command[0])} {command[1:4]} ended with {process.returncode}: {tail}")
    return seconds, usage.ru_maxrss


def expect(sink, count):
    if sink.messages != count:
        raise RuntimeError(f"the sink took {sink.messages} messages of {count}")


def outpost(work, campaign, tls):
    """import and send, as a person would: two commands, the log and synchronous=FULL as shipped, caps raised."""
    sink = Sink(work, certificate=f"{work}/cert.pem" if tls else None)
    home = tempfile.mkdtemp(prefix="home-", dir=work)
    try:
        secure = f'tls = "starttls"\nca_file = "{work}/ca.pem"' if tls else 'tls = "none"'
        host = "localhost" if tls else "127.0.0.1"
        with open(f"{home}/config.toml", "w") as f:
            f.write(f'[[account]]\nname = "bench"\nhost = "{host}"\nport = {sink.port}\n{secure}\n'
                    f'from = "news@example.org"\nsessions = {CONNS}\nmessages_per_session = 1000000\n'
                    '[[limit]]\nscope = "source"\ncount = 1000000000\nper = "1h"\n')
        os.chmod(f"{home}/config.toml", 0o600)
        importing, _ = timed([OUTPOST, "--home", home, "import", campaign], work)
        sending, peak = timed([OUTPOST, "--home", home, "send", "bench", "--progress", "none"], work)
        expect(sink, N)
        return importing, sending, peak
    finally:
        sink.close()
        shutil.rmtree(home, ignore_errors=True)


def smtp_source(work, campaign, size):
    sink = Sink(work)
    try:
        seconds, _ = timed(["smtp-source", "-d", "-s", str(CONNS), "-m", str(N), "-l", str(size), "-f", "a@example.org",
                            "-t", "b@example.net", f"127.0.0.1:{sink.port}"], work)
        expect(sink, N)
        return seconds
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
        seconds, _ = timed([PEER_PYTHON, f"{here}/peer_aiosmtplib.py", campaign, str(sink.port), str(CONNS), str(PYTHON_N)], work)
        expect(sink, PYTHON_N)
        return seconds
    finally:
        sink.close()


def syncs_per_second(work):
    """What the disk gives: 4 KiB appended and fdatasync'ed, one after the other, for half a second."""
    with open(f"{work}/syncs", "wb") as f:
        n, t = 0, time.perf_counter()
        while time.perf_counter() - t < 0.5:
            f.write(b"x" * 4096)
            f.flush()
            os.fdatasync(f.fileno())
            n += 1
        return n / (time.perf_counter() - t)


def one_round(number, work, campaign, size):
    results["syncs/s"].append(syncs_per_second(work))
    results["load"].append(os.getloadavg()[0])

    def plain():
        importing, sending, peak = outpost(work, campaign, tls=False)
        return {"outpost import": N / importing, "outpost drain": N / sending, "outpost whole": N / (importing + sending),
                "outpost peak MB": peak / 1024}

    def tls():
        _, sending, _ = outpost(work, campaign, tls=True)
        return {"outpost drain, STARTTLS": N / sending}

    def source():
        return {"smtp-source -d": N / smtp_source(work, campaign, size)}

    def relay():
        drain, whole = postfix(work, size)
        return {"Postfix drain": POSTFIX_N / drain, "Postfix whole": POSTFIX_N / whole}

    def python():
        return {"aiosmtplib": PYTHON_N / aiosmtplib(work, campaign)}

    runs = [(plain, ["outpost import", "outpost drain", "outpost whole", "outpost peak MB"]),
            (source, ["smtp-source -d"]), (tls, ["outpost drain, STARTTLS"]), (relay, ["Postfix drain", "Postfix whole"])]
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


def summary(values, digits):
    values = [v for v in values if v is not None]
    if not values:
        return "-", "-", 0
    show = lambda v: f"{v:,.{digits}f}"
    return show(statistics.median(values)), f"{show(min(values))} – {show(max(values))}", len(values)


RATIOS = [("outpost drain", "smtp-source -d"), ("outpost drain", "Postfix drain"), ("outpost whole", "Postfix whole"),
          ("outpost drain, STARTTLS", "outpost drain"), ("outpost drain", "aiosmtplib")]


def report(size, done):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    lines = [f"{N:,} personalised messages of {size:,} bytes over {CONNS} connections to a sink on loopback; Postfix "
             f"{POSTFIX_N:,}" + (f", aiosmtplib {PYTHON_N:,}" if PEER_PYTHON else "") + f". {done} rounds, interleaved.",
             f"{os.cpu_count()} cores ({cpu}), Linux {platform.release()}, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC.", "",
             "| measure | median | range | rounds |", "|---|---:|---:|---:|"]
    rates = ["outpost drain", "outpost drain, STARTTLS", "outpost import", "outpost whole", "smtp-source -d", "Postfix drain",
             "Postfix whole", "aiosmtplib"]
    for name in rates:
        if name in results:
            unit = "rows/s" if name == "outpost import" else "msg/s"
            lines.append("| {} ({}) | {} | {} | {} |".format(name, unit, *summary(results[name], 0)))
    lines.append("| outpost send, peak memory (MB) | {} | {} | {} |".format(*summary(results["outpost peak MB"], 1)))
    lines.append("| syncs/s of the disk | {} | {} | {} |".format(*summary(results["syncs/s"], 0)))
    lines.append("| load before the round | {} | {} | {} |".format(*summary(results["load"], 2)))
    lines += ["", "| ratio, paired within a round | median | range | rounds |", "|---|---:|---:|---:|"]
    for over, under in RATIOS:
        if under in results and over in results:
            pairs = [a / b for a, b in zip(results[over], results[under]) if a and b]
            lines.append("| {} ÷ {} | {} | {} | {} |".format(over, under, *summary(pairs, 2)))
    lines += [f"- fault: {fault}" for fault in faults]
    return "\n".join(lines) + "\n"


OTHERS = "## Other measurements"

EXPLANATION = """
Drain is the time of the whole `outpost send` after `outpost import`, process start to exit, with `synchronous=FULL` and every
attempt logged; whole is both commands. Postfix's drain is the time from `postqueue -f` until the sink has all, its whole adds
`smtp-source` filling its queue. `smtp-source -d` has no queue and renders nothing: it is the ceiling of a client in C.
Run it again with `make bench OUT=Benchmarks/RESULTS.md`.
"""


def main():
    if not os.access(OUTPOST, os.X_OK):
        sys.exit(f"no outpost at {OUTPOST}: make build")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    base = os.environ.get("BENCH_DATA") or "/var/tmp"
    work = tempfile.mkdtemp(prefix="outpost-bench-", dir=base)
    os.chmod(work, 0o755)
    done = 0
    try:
        size = make_campaign(f"{work}/campaign", N)
        make_certificate(work)
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
            print(f"round {done}: " + ", ".join(rate(n) for n in ("outpost drain", "smtp-source -d", "Postfix drain")), file=sys.stderr)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = report(size, done)
    print(text)
    if OUT:
        kept = ""  # what other commands measured stays
        if os.path.exists(OUT):
            with open(OUT) as f:
                kept = "".join(f.read().partition(OTHERS)[1:])
        with open(OUT, "w") as f:
            f.write("# Results\n\n" + text + EXPLANATION + ("\n" + kept if kept else ""))
    sys.exit(1 if faults else 0)


main()
