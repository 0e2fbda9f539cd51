import Testing

extension BuiltProgram {
    @Suite("configuration")
    struct Configuration {
        static let good =
            "[[account]]\nname = \"main\"\nhost = \"127.0.0.1\"\nport = 25\ntls = \"none\"\nfrom = \"a@example.org\"\n"

        @Test(
            "a fault in config.toml is exit 78 and names file, line and key",
            arguments: [
                (good + "colour = \"red\"\n", 7, "colour"),
                (good + "[[limit]]\nscope = \"source\"\ncount = \"many\"\nper = \"1h\"\n", 9, "count"),
                (good + "[[limit]]\nscope = \"source\"\ncount = 5\nper = \"1 fortnight\"\n", 10, "per"),
                (good + "sessions = 0\n", 7, "sessions"),
                (good + "password = \"hunter2\"\n", 7, "password"),
                (good + "retry = \"soon\"\n", 7, "retry"),
                ("[[account]]\nname = \"main\"\nhost = \"mail.example.com\"\ntls = \"none\"\n", 4, "tls"),
                ("[[account]]\nname = \"main\"\npreset = \"qqq\"\n", 3, "preset"),
                (good + "\n[in_doubt]\npolicy = \"maybe\"\n", 9, "policy"),
            ])
        func fault(_ text: String, _ line: Int, _ key: String) async throws {
            let home = try Home()
            try home.configure(text)
            try home.campaign(people: People.csv(3))
            let outcome = try await home.outpost("import", "spring")
            #expect(outcome.code == 78, "\(outcome.code) \(outcome.err)")
            #expect(outcome.err.contains("config.toml:\(line)"), "\(outcome.err)")
            #expect(outcome.err.contains(key), "\(outcome.err)")
            #expect(!outcome.err.contains("hunter2"))
            #expect(outcome.out == "")
        }

        @Test("TOML that cannot be read is exit 78 with its line")
        func syntax() async throws {
            let home = try Home()
            try home.configure("[[account]]\nname = \"main\nhost = 3\n")
            try home.campaign(people: People.csv(3))
            let outcome = try await home.outpost("import", "spring")
            #expect(outcome.code == 78)
            #expect(outcome.err.contains("config.toml:2") || outcome.err.contains("config.toml:3"), "\(outcome.err)")
        }

        @Test("a fault in campaign.toml is exit 78 and names file, line and key")
        func campaignFault() async throws {
            let home = try Home()
            try home.configure(Self.good)
            try home.campaign(people: People.csv(3), more: "colour = \"red\"\n")
            let outcome = try await home.outpost("import", "spring")
            #expect(outcome.code == 78, "\(outcome.err)")
            #expect(outcome.err.contains("campaign.toml:7"), "\(outcome.err)")
            #expect(outcome.err.contains("colour"))
        }

        @Test("without a configuration, sending says what to run first")
        func none() async throws {
            let home = try Home()
            try home.campaign(people: People.csv(3))
            let outcome = try await home.outpost("send", "spring")
            #expect(outcome.code == 78, "\(outcome.err)")
            #expect(outcome.err.contains("outpost init"), "\(outcome.err)")
        }

        @Test("a password file that others may read is refused, exit 78")
        func passwordFile() async throws {
            let office = try await Office(tls: "starttls", user: "u", password: "correct horse")
            let home = try Home()
            let secret = try home.folder.write("home/secret", "correct horse\n", mode: 0o644)
            try home.configure(
                port: office.port, tls: "starttls", caFile: office.caFile, user: "u", passwordFile: secret)
            try home.campaign(people: People.csv(3))
            let outcome = try await home.outpost("send", "spring")
            #expect(outcome.code == 78, "\(outcome.code) \(outcome.err)")
            #expect(outcome.err.contains("secret"))
            #expect(outcome.err.contains("600"))
            #expect(office.mails().isEmpty)
        }

        @Test("a placeholder without a column is an error before anything is stored or sent")
        func placeholder() async throws {
            let home = try Home()
            try home.configure(Self.good)
            try home.campaign(people: People.csv(3), message: "Hello {{nmae}}\n")
            let outcome = try await home.outpost("import", "spring")
            #expect([65, 78].contains(outcome.code), "\(outcome.code) \(outcome.err)")
            #expect(outcome.err.contains("nmae"))
            #expect(try await home.outpost("status", "spring").code == 66)
        }

        @Test("init with flags writes an account that imports, new writes a campaign that checks")
        func firstSteps() async throws {
            let home = try Home()
            let made = try await home.outpost(
                "init", "--name", "main", "--host", "127.0.0.1", "--port", "2525", "--tls", "none", "--from",
                "me@example.org")
            #expect(made.code == 0, "\(made.err)")
            let new = try await home.outpost("new", "hello")
            #expect(new.code == 0, "\(new.err)")
            let check = try await home.outpost("check", "hello")
            #expect(check.code == 0, "\(check.out)\(check.err)")
            let preview = try await home.outpost("preview", "hello", "--raw")
            #expect(preview.code == 0, "\(preview.err)")
            #expect(preview.out.contains("MIME-Version: 1.0\r\n"))
            #expect(try await home.outpost("new", "hello").code == 73, "an existing folder is never written over")
        }
    }
}
