#!/usr/bin/env python3
"""Kills the program again and again while it sends, and counts who was lost, who got it twice and which cap was passed.

usage: torture.py [--kills 500] [--people 30000] [--runners 2] [--seed 1] [--outpost .build/release/outpost] [--keep DIR]
                  [--commits | --power 200]

A post office on loopback, whose log is written before it answers, refuses, defers, hangs up before and after the final
dot; several processes send one campaign under two rolling caps and are killed with SIGKILL at random instants; then one
goes on to the end. What happened is read from the post office's log, not from the program's own. Exit 0 only when nobody
was lost, nobody got it twice, no window of any length passed its cap, and `outpost verify` finds nothing.

--commits kills within commits and nowhere else: strace ends each sender as it enters its N-th write or sync of the
database's log, and its log is read to prove where that was. --power loses the power instead: one sender goes to its end
under strace; then the files are made again as a disk may have them at N instants of it (what no sync has made durable is
there, or not, or torn), opened, verified, and held against what the post office had taken by then. Both need strace.
"""
import argparse, collections, json, os, random, shutil, signal, sqlite3, subprocess, sys, tempfile, time

import disktrace

CAPS = [(400, 1), (1500, 5)]  # messages, seconds
RULES = """seed {seed}
at rcpt rate 1% reply 451 4.3.2 Please try again later
at mail rate 0.1% reply 421 4.7.0 Too many connections, try again in 1 second
at dot rate 0.3% drop-after
at dot rate 0.3% drop-before
at rcpt to gone*@* reply 550 5.1.1 No such user
at dot latency 3ms
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--people", type=int, default=30000)
    parser.add_argument("--runners", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outpost", default=".build/release/outpost")
    parser.add_argument("--commits", action="store_true", help="kill at writes and syncs of the log, by strace")
    parser.add_argument("--power", type=int, metavar="N", help="lose the power at N instants of one run, by strace")
    parser.add_argument("--keep", help="work in this folder and leave it")
    return parser.parse_args()


def prepare(work, people, port):
    os.makedirs(f"{work}/c")
    with open(f"{work}/c/people.csv", "w") as file:
        file.write("email,name\n")
        for index in range(people):
            local = f"gone{index}" if index % 500 == 7 else f"p{index}"
            file.write(f"{local}@d{index % 7}.example,N{index}\n")
    with open(f"{work}/c/message.txt", "w") as file:
        file.write("Dear {{name}},\n\nthis is only a test.\n")
    with open(f"{work}/c/campaign.toml", "w") as file:
        file.write('name = "torture"\naccount = "a"\nfrom = "a@sender.example"\nsubject = "For {{name}}"\n'
                   'recipients = "people.csv"\ntext = "message.txt"\n')
    limits = "".join(f'[[limit]]\nscope = "source"\ncount = {count}\nper = "{per}s"\n' for count, per in CAPS)
    with open(f"{work}/config.toml", "w") as file:
        file.write(f'[[account]]\nname = "a"\nhost = "127.0.0.1"\nport = {port}\ntls = "starttls"\nca_file = "ca.pem"\n'
                   f'user = "u"\npassword_env = "TORTURE_PASSWORD"\nfrom = "a@sender.example"\nsessions = 4\n'
                   f'retry = "1s*9"\n{limits}')
    os.chmod(f"{work}/config.toml", 0o600)


def tightest(times, window):
    """The most of the instants (microseconds, sorted) that any half-open window of that many seconds holds."""
    most, start = 0, 0
    for end, instant in enumerate(times):
        while instant - times[start] >= window * 1_000_000:
            start += 1
        most = max(most, end - start + 1)
    return most


def judge(work, outpost, people, kills, seconds):
    accepted = collections.Counter()
    times = []
    with open(f"{work}/office.log") as log:
        for line in log:
            event = json.loads(line)
            if event["event"] == "accepted":
                accepted[event["to"]] += 1
                times.append(event["us"])
    rows = subprocess.run([*outpost, "recipients", "torture", "--json"], capture_output=True, text=True, check=True)
    state = {row["email"]: row["state"] for row in map(json.loads, rows.stdout.splitlines())}
    status = json.loads(subprocess.run([*outpost, "status", "torture", "--json"], capture_output=True, text=True,
                                       check=True).stdout)
    verify = subprocess.run([*outpost, "verify"], capture_output=True, text=True)
    doubt = [email for email, word in state.items() if word == "in_doubt"]
    # Once known to be in doubt, nobody is sent again here (policy hold), so twice is always a fault.
    doubled = [email for email, count in accepted.items() if count > 1]
    lost = [email for email, word in state.items() if word == "sent" and not accepted[email]]
    lost += [email for email, word in state.items() if word not in ("sent", "in_doubt", "failed")]
    unexplained = [email for email in accepted if state.get(email) not in ("sent", "in_doubt")]
    words = ("pending", "sending", "sent", "deferred", "failed", "suppressed", "in_doubt", "cancelled")
    adds_up = sum(status[word] for word in words) == status["total"] == people == len(state)
    times.sort()
    passed = []
    print(f"kills {kills}, people {people}, {seconds:.0f} s")
    print(f"accepted by the post office {len(times)}, sent {status['sent']}, failed {status['failed']}, "
          f"in doubt {len(doubt)} ({sum(1 for email in doubt if accepted[email])} of them accepted)")
    print(f"lost {len(lost)}, doubled {len(doubled)}, accepted but not known to be {len(unexplained)}")
    for count, per in CAPS:
        most = tightest(times, per)
        passed += [per] if most > count else []
        print(f"cap {count} per {per} s: the fullest window of the post office's log held {most}")
    print(f"tallies add up: {adds_up}; verify: {verify.stdout.strip() or verify.stderr.strip()}")
    return not (lost or doubled or unexplained or passed) and adds_up and verify.returncode == 0


def start(command, work, env):
    with open(f"{work}/send.err", "a") as errors:
        return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=errors)


def kill_at_random(work, send, env, options, running):
    running += [start(send, work, env) for _ in range(options.runners)]
    kills = 0
    while kills < options.kills:
        time.sleep(random.uniform(0.02, 0.35))
        victim = random.randrange(len(running))
        if running[victim].poll() is None:
            running[victim].send_signal(signal.SIGKILL)
            kills += 1
        running[victim].wait()
        running[victim] = start(send, work, env)
    return kills


def kill_in_commits(work, send, env, options, running):
    """Each runner dies as it enters its N-th write, or its N-th sync, of the log; strace counts them a thread."""
    places = collections.Counter()
    logs = [f"{work}/trace.{index}" for index in range(options.runners)]

    def begin(index):
        call, most = random.choice([("pwrite64", 400), ("fdatasync", 60)])
        inject = ["-e", f"inject={call}:signal=KILL:when={random.randint(1, most)}"]
        return start([*disktrace.command(f"{work}/queue.sqlite3", logs[index], inject), *send], work, env)

    running += [begin(index) for index in range(options.runners)]
    while sum(places.values()) < options.kills:
        time.sleep(0.005)
        for index, child in enumerate(running):
            if child.poll() is None:
                continue
            if child.returncode != -signal.SIGKILL:
                raise SystemExit(f"a sender ended with {child.returncode} before it was killed: more --people, or see strace")
            where = disktrace.killed_in(logs[index])
            if where is None:
                raise SystemExit(f"{logs[index]} does not show in which call the sender was killed")
            places[where] += 1
            running[index] = begin(index)
    for child in running:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    print("killed in a commit: " + ", ".join(f"{count} {place}" for place, count in places.most_common()))
    return sum(places.values())


def lose_power(work, outpost, send, env, options):
    disk, log = disktrace.Disk(f"{work}/queue.sqlite3"), f"{work}/trace"
    began = time.monotonic()
    subprocess.run([*disktrace.command(disk.names[0], log, ["-xx", "-s", "70000"]), *send], env=env, timeout=600,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    taken = []
    with open(f"{work}/office.log") as events:
        for event in map(json.loads, events):
            if event["event"] == "accepted":
                taken.append((event["us"] / 1_000_000, event["to"]))
    ever = {email for _, email in taken}
    history = list(disktrace.events(log))
    instants = set(random.sample(range(len(history)), min(options.power, len(history))))
    looked = lost = invented = wrong = 0
    for index, (when, kind, name, place, data) in enumerate(history):
        if index in instants:
            looked += 1
            home = f"{work}/image"
            shutil.rmtree(home, ignore_errors=True)
            os.makedirs(home)
            for file, content in disk.image(random).items():
                if content or file == disk.names[0]:
                    with open(f"{home}/{os.path.basename(file)}", "wb") as image:
                        image.write(content)
            verify = subprocess.run([outpost[0], "--home", home, "verify", "--deep"], env=env, capture_output=True, text=True)
            if verify.returncode:
                wrong += 1
                print(f"power lost before write {index}: {verify.stdout}{verify.stderr}".strip())
                continue
            with sqlite3.connect(f"{home}/queue.sqlite3") as rows:
                state = dict(rows.execute("SELECT key, state FROM recipient"))
            # 2 sending, 3 sent, 4 failed, 6 in doubt: whoever was taken by then had been begun on the disk before.
            lost += sum(1 for at, email in taken if at < when and state[email] not in (2, 3, 4, 6))
            invented += sum(1 for email, code in state.items() if code == 3 and email not in ever)
        if kind == "sync":
            disk.sync(name)
        elif name in disk.pending:
            disk.pending[name].append((place, data))
    syncs = sum(1 for event in history if event[1] == "sync")
    print(f"power lost at {looked} instants of {len(history) - syncs} writes and {syncs} syncs, people {options.people}, "
          f"{time.monotonic() - began:.0f} s")
    print(f"taken by the post office but not begun on the disk {lost}, sent on the disk but never taken {invented}, "
          f"contradictions found by verify in {wrong}")
    good = looked > 0 and not (lost or invented or wrong)
    print("all is well" if good else f"NOT WELL; seed {options.seed}")
    return good


def main():
    options = arguments()
    random.seed(options.seed)
    program = os.path.abspath(options.outpost)
    work = os.path.abspath(options.keep) if options.keep else tempfile.mkdtemp(prefix="outpost-torture-")
    os.makedirs(work, exist_ok=True)
    env = {**os.environ, "TORTURE_PASSWORD": f"secret-{random.getrandbits(40):x}", "LC_ALL": "C.UTF-8"}
    outpost = [program, "--home", work]
    with open(f"{work}/script", "w") as file:
        file.write(RULES.format(seed=options.seed))
    office = subprocess.Popen([program, "postoffice", "--tls", "starttls", "--user", "u", "--password-env",
                               "TORTURE_PASSWORD", "--script", f"{work}/script", "--log", f"{work}/office.log",
                               "--ca-file", f"{work}/ca.pem"], env=env, stdout=subprocess.PIPE, text=True)
    running = []
    try:
        port = int(office.stdout.readline().rsplit(":", 1)[1])
        prepare(work, options.people, port)
        subprocess.run([*outpost, "import", f"{work}/c"], env=env, check=True, stdout=subprocess.DEVNULL)

        send = [*outpost, "send", "torture", "--wait", "--yes", "--progress", "none"]
        if options.power:
            return 0 if lose_power(work, outpost, send, env, options) else 1
        began = time.monotonic()
        kills = (kill_in_commits if options.commits else kill_at_random)(work, send, env, options, running)
        for child in running:
            child.wait(timeout=600)
        subprocess.run(send, env=env, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        good = judge(work, outpost, options.people, kills, time.monotonic() - began)
        print("all is well" if good else f"NOT WELL; seed {options.seed}" + (f"; see {work}" if options.keep else ""))
        return 0 if good else 1
    finally:
        for child in [*running, office]:
            if child.poll() is None:
                child.terminate()
            child.wait()
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
