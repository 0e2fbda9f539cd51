import Glibc
import Testing

extension BuiltProgram {
    @Suite("drill")
    struct Drill {
        @Test("a worker killed at each step of the dialogue loses nobody and doubles nobody; nothing is left behind")
        func everyStep() async throws {
            let home = try Home()
            let folder = try home.folder.make("tmp")
            let outcome = try await home.start(
                ["drill", "--rounds", "1", "--json"], environment: ["TMPDIR": folder]
            ).ended(within: 240)
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.out) \(outcome.err)")
            let report = try outcome.object()
            #expect(report.int("lost") == 0 && report.int("doubled") == 0)
            #expect((report.values["verify"] as? [String])?.isEmpty == true)
            let steps = report.list("steps")
            #expect(steps.count == 13)
            for step in steps {
                let name = step.string("step") ?? ""
                #expect(step.int("kills") == 1, "\(name) was not reached")
                #expect((step.double("first_message_ms") ?? 0) > 0, "\(name): nothing was sent after it")
            }
            func doubt(_ name: String) -> (all: Int, delivered: Int) {
                let step = steps.first { $0.string("step") == name }
                return (step?.int("in_doubt") ?? -1, step?.int("in_doubt_delivered") ?? -1)
            }
            // What was begun cannot be known not to have left; before that there is no doubt.
            for name in ["connect", "banner", "ehlo", "starttls", "auth"] {
                #expect(doubt(name) == (0, 0), "\(name)")
            }
            for name in ["mail", "rcpt", "data", "body", "dot"] {
                #expect(doubt(name).all > doubt(name).delivered, "\(name): somebody held at this step")
            }
            #expect(doubt("taken").delivered > 0, "a message taken whose answer was never read")
            #expect(report.list("doubts").count == report.int("in_doubt"))
            #expect(Folder.files(folder).isEmpty)
        }

        @Test("a worker that somebody else kills spoils no drill: the step is done again, and it is said")
        func disturbed() async throws {
            let home = try Home()
            let drill = try home.start(
                ["drill", "--rounds", "1", "--json"], environment: ["TMPDIR": try home.folder.make("tmp")])
            // The first is to be killed at its step; the second is the one that goes on.
            var killed: Set<pid_t> = []
            try await eventually(within: 60, "two workers were there to be killed: \(drill.err)") {
                for child in Processes.children(of: drill.pid)
                where Processes.words(child).contains("send") && killed.insert(child).inserted { kill(child, SIGKILL) }
                return killed.count >= 2
            }
            let outcome = try await drill.ended(within: 240)
            #expect(outcome.code == 0, "\(outcome.code) \(outcome.out) \(outcome.err)")
            let report = try outcome.object()
            #expect(report.int("disturbed") ?? 0 > 0)
            #expect(report.int("lost") == 0 && report.int("doubled") == 0 && report.int("kills") == 13)
            #expect((report.values["verify"] as? [String])?.isEmpty == true)
        }
    }
}
