import Foundation
import Glibc
import Testing

/// A real Dovecot that refuses one kind of command, as some providers' servers do and no setting makes Dovecot do: each connection gets a
/// Dovecot `imap` process of its own, and between the two stands one who answers that command himself. No TLS and no login.
final class PickyMailbox: Sendable {
    let port: UInt16
    private let folder: Folder
    private let process: Running

    /// What clients said, a command a line, without the tags.
    var commands: [String] { folder.text("commands").split(separator: "\n").map(String.init) }

    /// - Parameters:
    ///   - refused: how the command begins.
    ///   - answer: what comes instead, its lines separated by `|`; `TAG` stands for the command's tag.
    init(of dovecot: Dovecot, refusing refused: String, with answer: String) async throws {
        let folder = dovecot.folder
        self.folder = folder
        let settings = try folder.write(
            "picky.conf",
            """
            protocols = imap
            base_dir = \(folder.file("run"))
            state_dir = \(folder.file("run"))
            log_path = /dev/stderr
            ssl = no
            mail_location = maildir:\(folder.file("mail/box"))
            first_valid_uid = 1
            namespace inbox {
              inbox = yes
              separator = /
            }

            """, mode: 0o644)
        let process = try Running(
            "python3", ["-c", Self.relay, settings, folder.file("mail"), refused, answer, folder.file("commands")],
            environment: Program.environment([:]), folder: folder)
        self.process = process
        try await eventually(within: 20, "the mailbox listens: \(process.err)") {
            process.out.hasSuffix("\n") || !process.isRunning
        }
        port = try #require(
            UInt16(process.out.trimmingCharacters(in: .whitespacesAndNewlines)), "python3: \(process.err)")
    }

    deinit { process.signal(SIGKILL) }

    private static let relay = #"""
        import os, pwd, socket, subprocess, sys, threading

        settings, home, refused, answer, log = sys.argv[1:]
        user = pwd.getpwnam("dovecot")
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)

        def down(source, client):
            while piece := os.read(source.fileno(), 65536):
                client.sendall(piece)
            client.shutdown(socket.SHUT_RDWR)

        def serve(client):
            imap = subprocess.Popen(
                ["/usr/lib/dovecot/imap", "-c", settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                env={"USER": "sender@example.org", "HOME": home, "PATH": os.environ["PATH"]})
            threading.Thread(target=down, args=(imap.stdout, client), daemon=True).start()
            for line in client.makefile("rb"):
                tag, _, command = line.decode().rstrip().partition(" ")
                with open(log, "a") as out:
                    out.write(command + "\n")
                if command.startswith(refused):
                    client.sendall("".join(part + "\r\n" for part in answer.replace("TAG", tag).split("|")).encode())
                else:
                    imap.stdin.write(line)
                    imap.stdin.flush()
            imap.stdin.close()
            imap.wait()

        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """#
}
