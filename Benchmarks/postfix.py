"""A Postfix of our own: its configuration, queue and data under one temporary folder, a free port on loopback, everything
relayed to the sink. The machine's own Postfix, running or not, is not touched."""
import os, shutil, socket, subprocess, tempfile, time

SERVICES = """\
pickup    unix n - n 60    1 pickup
cleanup   unix n - n -     0 cleanup
qmgr      unix n - n 300   1 qmgr
rewrite   unix - - n -     - trivial-rewrite
bounce    unix - - n -     0 bounce
defer     unix - - n -     0 bounce
trace     unix - - n -     0 bounce
verify    unix - - n -     1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n -     - proxymap
smtp      unix - - n -     {conns} smtp
relay     unix - - n -     {conns} smtp
showq     unix n - n -     - showq
error     unix - - n -     - error
retry     unix - - n -     - error
discard   unix - - n -     - discard
anvil     unix - - n -     1 anvil
scache    unix - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

# As fast as its own documents say to make it: no rate limits, no DNS, the concurrency of the run.
SETTINGS = """\
compatibility_level = 3.6
queue_directory = {base}/spool
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {base}/log
maillog_file_prefixes = {base}
myhostname = relay.example.org
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_protocols = ipv4
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_restrictions = static:HOLD
smtpd_relay_restrictions = permit_mynetworks, reject
in_flow_delay = 0
default_process_limit = 200
default_destination_concurrency_limit = {conns}
initial_destination_concurrency = {conns}
smtp_connection_cache_on_demand = no
qmgr_message_active_limit = 100000
qmgr_message_recipient_limit = 100000
minimal_backoff_time = 1s
max_use = 100000
"""


class Postfix:
    def __init__(self, work, sink, conns):
        self.base = tempfile.mkdtemp(prefix="postfix-", dir=work)
        os.chmod(self.base, 0o755)
        self.etc = f"{self.base}/etc"
        for folder in ("etc", "spool", "data"):
            os.mkdir(f"{self.base}/{folder}")
        shutil.chown(f"{self.base}/data", "postfix")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        with open(f"{self.etc}/main.cf", "w") as f:
            f.write(SETTINGS.format(base=self.base, sink=sink, conns=conns))
        with open(f"{self.etc}/master.cf", "w") as f:
            f.write(f"127.0.0.1:{self.port} inet n - n - 100 smtpd\n" + SERVICES.format(conns=conns))
        for name in ("dynamicmaps.cf", "dynamicmaps.cf.d", "postfix-files", "postfix-files.d"):
            if os.path.exists(f"/etc/postfix/{name}"):
                os.symlink(f"/etc/postfix/{name}", f"{self.etc}/{name}")
        try:
            self.command("postfix", "start")
            self.wait_for_port()
        except BaseException:
            self.close()
            raise

    def command(self, name, *arguments):
        r = subprocess.run([name, "-c", self.etc, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if r.returncode:
            raise RuntimeError(f"{name} {arguments[0]}: {r.stderr[-800:]}")

    def wait_for_port(self):
        for _ in range(500):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("Postfix does not answer")

    def whole(self, count, size, sink):
        """Fills the held queue, releases it, drains it: seconds of the drain, and of all three."""
        t = time.perf_counter()
        subprocess.run(["smtp-source", "-d", "-N", "-s", "20", "-m", str(count), "-l", str(size), "-f", "news@example.org",
                        "-t", "reader@example.net", f"127.0.0.1:{self.port}"], check=True, stdout=subprocess.DEVNULL)
        filled = time.perf_counter() - t
        t = time.perf_counter()
        self.command("postsuper", "-H", "ALL")
        released = time.perf_counter() - t
        t = time.perf_counter()
        self.command("postqueue", "-f")
        while sink.messages < count:
            if time.perf_counter() - t > 90:
                raise RuntimeError(f"Postfix drained {sink.messages} of {count} in 90 s")
            time.sleep(0.005)
        drained = time.perf_counter() - t
        return drained, filled + released + drained

    def close(self):
        subprocess.run(["postfix", "-c", self.etc, "stop"], capture_output=True, stdin=subprocess.DEVNULL)
        shutil.rmtree(self.base, ignore_errors=True)
