"""What a queue's files went through, read from strace's log: to kill a sender at a write, and to lose the power at one.

A system call that strace began to show and never ended with an answer is the one in which the program was killed. With the
bytes of every write in the log (`-xx`), the files can be made again as a disk may have them after any of these calls.
"""
import os, re

CALLS = "pwrite64,fdatasync,fsync,ftruncate"
LINE = re.compile(r'^(\d+) +(\d+\.\d+) (.*)$')
WRITE = re.compile(r'^pwrite64\(\d+<([^>]*)>, "((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?, (\d+), (\d+)')
SYNC = re.compile(r'^f(?:data)?sync\(\d+<([^>]*)>')
CUT = re.compile(r'^ftruncate\(\d+<([^>]*)>, (\d+)')


def command(queue, log, extra):
    """The words to put before a program so that its writes to the queue's database and log are seen."""
    files = [word for name in (queue, queue + "-wal") for word in ("-P", name)]
    return ["strace", "-f", "-qq", "-y", "-ttt", *files, "-e", "trace=" + CALLS, "-o", log, *extra]


def killed_in(log):
    """In what the log ends: `between two writes`, `at the first write` or `at the sync` of a commit, or in a checkpoint;
    None when in no such call."""
    where, writes, began = None, 0, {}
    with open(log, errors="replace") as lines:
        for text in lines:
            thread, _, call = LINE.match(text.rstrip("\n")).groups()
            if call.startswith("<..."):
                call = began.pop(thread, "") + call
            elif call.endswith("<unfinished ...>"):
                began[thread] = call
                continue
            if call.endswith("= ?"):
                where = call
            elif "-wal>" in call:
                # Of a commit nothing is in the file before its first frame.
                writes = writes + 1 if call.startswith("pwrite64") else 0
    where = where or next(iter(began.values()), None)
    if where is None:
        return None
    if "-wal>" not in where:
        return "in a checkpoint"
    if not where.startswith("pwrite64"):
        return "at the sync"
    return "between two writes" if writes else "at the first write"


class Disk:
    """Two files as of their last sync, and what was written since, of which a disk may have any part."""

    def __init__(self, queue):
        self.names = (queue, queue + "-wal")
        self.durable = {name: bytearray(open(name, "rb").read()) if os.path.exists(name) else bytearray()
                        for name in self.names}
        self.pending = {name: [] for name in self.names}

    @staticmethod
    def put(content, change):
        offset, data = change
        if data is None:
            del content[offset:]
            return
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset:offset + len(data)] = data

    def sync(self, name):
        for change in self.pending[name]:
            self.put(self.durable[name], change)
        self.pending[name] = []

    def image(self, random):
        """Both files as the power may leave them: in order up to some byte, or any of the writes whole, torn or not at all."""
        files = {}
        for name in self.names:
            content = bytearray(self.durable[name])
            ordered, cut = random.random() < 0.5, random.randint(0, len(self.pending[name]))
            for index, (offset, data) in enumerate(self.pending[name]):
                fate = (0 if index < cut else 2 if index == cut else 1) if ordered else random.randrange(4)
                if fate == 0 or (fate == 2 and data is None):
                    self.put(content, (offset, data))
                elif fate == 2:
                    self.put(content, (offset, data[:random.randint(0, len(data))]))
                elif fate == 3 and data is not None:
                    for start in range(0, len(data), 512):
                        if random.random() < 0.5:
                            self.put(content, (offset + start, data[start:start + 512]))
            files[name] = content
        return files


def name(text):
    """A path; `-xx` shows it in hexadecimal digits, as it does all else."""
    return bytes.fromhex(text.replace("\\x", "")).decode() if text.startswith("\\x") else text


def events(log):
    """Each change to the files in its order: (seconds, kind, file, offset or size, bytes)."""
    waiting = {}
    with open(log, errors="replace") as lines:
        for text in lines:
            thread, when, call = LINE.match(text.rstrip("\n")).groups()
            when = float(when)
            if call.startswith("<...") and "sync resumed" in call:
                yield when, "sync", waiting.pop(thread), 0, None
            elif found := WRITE.match(call):
                data = bytes.fromhex(found[2].replace("\\x", ""))
                assert len(data) == int(found[3]), "strace cut a write short"
                yield when, "write", name(found[1]), int(found[4]), data
            elif found := CUT.match(call):
                yield when, "write", name(found[1]), int(found[2]), None
            elif found := SYNC.match(call):
                # It counts once it has come back.
                if call.endswith("<unfinished ...>"):
                    waiting[thread] = name(found[1])
                else:
                    yield when, "sync", name(found[1]), 0, None
