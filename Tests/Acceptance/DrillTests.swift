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
    }
}
