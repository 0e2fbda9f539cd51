"""What the benchmarks share: running the program, its home, tables of medians, and the section of a report that is theirs."""
import ctypes, os, platform, shutil, signal, statistics, subprocess, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
OUTPOST = os.path.abspath(os.environ.get("OUTPOST") or f"{here}/../.build/release/outpost")
os.environ["PATH"] += ":/usr/sbin:/sbin"


class Usage:
    """What a program took: wall seconds, CPU seconds, peak resident MB."""
    def __init__(self, seconds, usage):
        self.seconds = seconds
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss / 1024


def timed(command, work, want=(0,), limit=120, preload=None, quiet=False):
    """Runs a program from its start to its end.

    want: exit codes that are no fault. limit: seconds after which it is killed. preload: a library, as LD_PRELOAD.
    quiet: its output goes nowhere, as it must where the output is not what is measured and there is much of it."""
    environment = dict(os.environ, LD_PRELOAD=preload) if preload else None
    with open("/dev/null" if quiet else f"{work}/output", "ab") as output:
        t = time.perf_counter()
        process = subprocess.Popen(command, cwd=work, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        before = signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(limit)
        try:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - t
        except BaseException:
            process.kill()
            raise
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in want:
        tail = "" if quiet else open(f"{work}/output", errors="replace").read()[-600:]
        raise RuntimeError(f"{os.path.basename(command[0])} {' '.join(command[1:5])} ended with {process.returncode}: {tail}")
    return Usage(seconds, usage)


def build(work, source, *libraries, shared=False):
    """Compiles one of the C files beside this one, once; answers where the result is."""
    made = f"{work}/{source.removesuffix('.c')}" + (".so" if shared else "")
    if not os.path.exists(made):
        shape = ["-shared", "-fPIC"] if shared else []
        subprocess.run(["cc", "-O2", *shape, "-o", made, f"{here}/{source}", *libraries], check=True)
    return made


class Home:
    """A folder with a config.toml whose account "bench" leads to the sink, caps raised."""
    def __init__(self, work, port, sessions, tls=None, per_session=1_000_000):
        self.path = tempfile.mkdtemp(prefix="home-", dir=work)
        self.work = work
        self.point(port, sessions, tls, per_session)

    def point(self, port, sessions, tls=None, per_session=1_000_000, caps=[("source", 1_000_000_000, "1h")]):
        secure = f'tls = "{tls}"\nca_file = "{self.work}/ca.pem"' if tls else 'tls = "none"'
        host = "localhost" if tls else "127.0.0.1"
        with open(f"{self.path}/config.toml", "w") as f:
            f.write(f'[[account]]\nname = "bench"\nhost = "{host}"\nport = {port}\n{secure}\nfrom = "news@example.org"\n'
                    f'sessions = {sessions}\nmessages_per_session = {per_session}\n' +
                    "".join(f'[[limit]]\nscope = "{scope}"\ncount = {count}\nper = "{per}"\n' for scope, count, per in caps))
        os.chmod(f"{self.path}/config.toml", 0o600)

    def run(self, *words, **options):
        return timed([OUTPOST, "--home", self.path, *words], self.work, **options)

    def bring(self, campaign, limit=120):
        return self.run("import", campaign, limit=limit)

    def send(self, *words, name="bench", **options):
        return self.run("send", name, "--progress", "none", *words, **options)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def expect(sink, count):
    if sink.messages != count:
        raise RuntimeError(f"the sink took {sink.messages} messages of {count}")


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


def median_start(command, times=30):
    """Milliseconds from a process's start to its end, once for each of `times` runs; its output goes nowhere."""
    null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    values = []
    for _ in range(times):
        t = time.perf_counter()
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=null)
        _, status, _ = os.wait4(pid, 0)
        values.append((time.perf_counter() - t) * 1000)
        if os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError(f"{' '.join(command[:4])} ended with {os.waitstatus_to_exitcode(status)}")
    return values


def quiet_children():
    """Whatever this process starts ends with it, also when it is killed (prctl(2), PR_SET_PDEATHSIG, for this process)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)


# --- Tables and the report -----------------------------------------------------------------------------------------

def summary(values, digits):
    values = [v for v in values if v is not None]
    if not values:
        return "-", "-", 0
    show = lambda v: f"{v:,.{digits}f}"
    return show(statistics.median(values)), f"{show(min(values))} – {show(max(values))}", len(values)


def paired(over, under):
    return [a / b for a, b in zip(over, under) if a and b]


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({cpu}), Linux {platform.release()}, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC."


def save(path, heading, text):
    """Puts a section into the report at `path`, in the place of its last form; every other section stays.

    heading: its first line, as "## Size". "# Results" is the head of the file, up to the first "## "."""
    sections = [["# Results\n"]]
    if os.path.exists(path):
        sections = [[]]
        for line in open(path, encoding="utf-8"):
            if line.startswith("## "):
                sections.append([])
            sections[-1].append(line)
    fresh = [heading + "\n", "\n"] + [line + "\n" for line in text.rstrip("\n").split("\n")]
    at = next((i for i, s in enumerate(sections) if s and s[0].rstrip("\n") == heading), None)
    if at is None:  # behind the head and what else is measured by a script, before what is written by hand
        at = next((i for i, s in enumerate(sections) if s and s[0].startswith("## Other")), len(sections))
        sections.insert(at, [])
        if sections[at - 1][-1:] != ["\n"]:
            sections[at - 1].append("\n")
    if at + 1 < len(sections):
        fresh.append("\n")
    sections[at] = fresh
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join("".join(s) for s in sections))
