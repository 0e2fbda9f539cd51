import Foundation
import Testing

extension BuiltProgram {
    @Suite("attached files")
    struct AttachedFiles {
        private func campaign(_ home: Home) throws {
            try home.campaign(
                people: "email,name,number\na@example.com,A,1\nb@example.com,B,2\nc@example.com,C,3\n",
                more: "attachments = [\"bill-{{number}}.txt\", \"terms.txt\"]\n")
            for number in 1...2 { try home.folder.write("spring/bill-\(number).txt", "bill \(number)\n") }
            try home.folder.write("spring/terms.txt", "terms\n")
        }

        @Test("one file a recipient is held to what it was at import; a missing one is a bad row")
        func chosen() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try campaign(home)
            let imported = try await home.outpost("import", "spring", "--json")
            #expect(imported.code == 0, "\(imported.err)")
            #expect(try imported.object().int("new") == 2 && imported.object().int("rejected") == 1)
            #expect(imported.err.contains("bill-3.txt"), "\(imported.err)")

            try home.folder.write("spring/bill-2.txt", "another bill\n")
            // By name, from elsewhere: nothing is imported again, the queue alone knows what was meant.
            try FileManager.default.removeItem(atPath: home.folder.file("spring/campaign.toml"))
            let byName = try await home.outpost("send", "spring")
            #expect(byName.code == 0, "\(byName.err)")
            let tallies = try await home.tallies()
            #expect(tallies["sent"] == 1 && tallies["failed"] == 1, "\(tallies)")
            let log = try await home.outpost("log", "spring", "--json")
            #expect(log.out.contains("bill-2.txt has changed since the campaign was imported"), "\(log.out)")
            #expect(office.mails().count == 1)
        }

        @Test("a file that everybody gets and is not there is 66; one that a single recipient would get is a finding")
        func missing() async throws {
            let home = try Home()
            try home.configure(port: 9)
            try campaign(home)
            let single = try await home.outpost("check", "spring")
            #expect(single.code == 1 && single.out.contains("bill-3.txt"), "\(single.out)")
            try FileManager.default.removeItem(atPath: home.folder.file("spring/terms.txt"))
            for command in ["check", "import", "send"] {
                let all = try await home.outpost(command, "spring")
                #expect(
                    all.code == 66 && all.err.contains("campaign.toml:") && all.err.contains("terms.txt"), "\(all.err)")
            }
        }

        @Test("a file that changed after sending began asks first")
        func changed() async throws {
            let office = try await Office()
            let home = try Home()
            try home.configure(port: office.port)
            try campaign(home)
            #expect(try await home.outpost("send", "spring", "--limit", "1").code == 75)
            try home.folder.write("spring/bill-2.txt", "another bill\n")
            let refused = try await home.outpost("send", "spring")
            #expect(refused.code == 65 && refused.err.contains("bill-2.txt"), "\(refused.err)")
            #expect(office.mails().count == 1)
            let accepted = try await home.outpost("send", "spring", "--accept-changes")
            #expect(accepted.code == 0, "\(accepted.err)")
            #expect(office.mails().count == 2)
        }
    }
}
