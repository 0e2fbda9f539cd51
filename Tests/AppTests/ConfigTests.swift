import Clock
import Glibc
import Sender
import Testing

@testable import outpost

/// Reads a configuration text as `/c/config.toml`.
private func parsed(_ text: String) throws -> Config {
    try Config(TOMLFile(text: text, path: "/c/config.toml"), presets: PresetCatalogue(folder: nil))
}

private func failure(_ text: String) -> Failure? {
    do {
        _ = try parsed(text)
        return nil
    } catch { return error as? Failure }
}

@Suite("config.toml")
struct ConfigTests {
    @Test("every key of the contract is taken")
    func everyKey() throws {
        let config = try parsed(
            """
            [[account]]
            name = "qq"
            preset = "qq"
            host = "smtp.qq.com"
            port = 465
            tls = "implicit"
            ca_file = "ca.pem"
            user = "someone@qq.com"            # no user: no AUTH
            auth = "auto"
            password_command = ["pass", "show", "mail/qq"]
            from = "Some One <someone@qq.com>"
            source = "203.0.113.5"
            sessions = 4
            messages_per_session = 100
            pace = "burst"
            retry = "1m, 5m*2, 30m, 1h*6"
            timeouts = { connect = "30s", reply = "5m", final = "10m", idle = "1m" }
            dkim = [{ domain = "example.com", selector = "s1", key_file = "dkim.pem" }]

            [[limit]]
            scope = "source"
            count = 100
            per = "1h"
            [[limit]]
            scope = "source"
            count = 500
            per = "24h"

            [in_doubt]
            policy = "hold"
            """)
        let account = try #require(config.accounts.first)
        #expect(account.host == "smtp.qq.com" && account.port == 465 && account.tls == .implicit)
        #expect(account.caFile == "/c/ca.pem")
        #expect(account.password == .command(["pass", "show", "mail/qq"]))
        #expect(account.waits == AccountSettings.Waits())
        #expect(account.dkim == [.init(domain: "example.com", selector: "s1", keyFile: "/c/dkim.pem")])
        #expect(config.limits == LimitSettings.standard)
        #expect(config.doubt == .hold)
        #expect(!account.limits.isEmpty, "the preset's own caps hold too")
    }

    @Test(
        "a fault names file, line and key",
        arguments: [
            ("[[account]]\nname = \"a\"\nhost = \"h\"\nprot = 25\n", "/c/config.toml:4: account.prot: unknown key"),
            ("[[account]]\nname = \"a\"\nhost = \"h\"\nport = \"25\"\n", "/c/config.toml:4: account.port: must be"),
            ("[[account]]\nname = \"a\"\nhost = \"h\"\nport = 0\n", "/c/config.toml:4: account.port: must be from 1"),
            ("\n\n[in_doubt]\npolicy = \"helf\"\n", "/c/config.toml:4: in_doubt.policy: \"helf\" is none of"),
            (
                "[[limit]]\ncount = 1\nper = \"1h\"\n[[limit]]\ncount = 1\nper = \"1y\"\n",
                "/c/config.toml:6: limit.per: must be"
            ),
            ("[[limit]]\ncount = 1\n", "/c/config.toml:1: the key \"per\" is missing in [limit]"),
            ("a = 1\n", "/c/config.toml:1: a: unknown key"),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\npassword = \"x\"\n",
                "/c/config.toml:4: account.password: a password is never"
            ),
            ("[[account]]\nname = \"a\"\npreset = \"qqq\"\n", "/c/config.toml:3: account.preset: there is no preset"),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\ntls = \"none\"\n",
                "/c/config.toml:4: account.tls: \"none\" would send"
            ),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\ntls = \"none\"\nallow_plaintext = true\nuser = \"u\"\n",
                "/c/config.toml:6: account.user: a password never"
            ),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\nuser = \"u\"\n",
                "/c/config.toml:4: account.user: needs a password"
            ),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\nretry = \"5\"\n",
                "/c/config.toml:4: account.retry: \"5\" is no list"
            ),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\nsource = \"here\"\n",
                "/c/config.toml:4: account.source: \"here\" is no IP"
            ),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\ntimeouts = { connect = \"1s\",\n final = 5 }\n",
                "/c/config.toml:"
            ),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\n[[account]]\nname = \"a\"\nhost = \"h\"\n",
                "/c/config.toml:5: account.name: there are two"
            ),
            (
                "[[account]]\nname = \"a\"\nhost = \"h\"\nfrom = \"nobody\"\n",
                "/c/config.toml:4: account.from: \"nobody\" is no mailbox: no @"
            ),
            ("x = [\n", "/c/config.toml:"),
            ("[[retry]]\nscope = \"domain\"\nkey = \"qq.com\"\n", "/c/config.toml:1: the key \"waits\" is missing"),
            ("[[retry]]\nwaits = \"5\"\n", "/c/config.toml:2: retry.waits: \"5\" is no list of waits"),
            ("[[retry]]\nwaits = \"5m\"\nkey = \"qq.com\"\n", "/c/config.toml:3: retry.key: says whose"),
            ("[[retry]]\nwaits = \"5m\"\nscope = \"domain\"\n", "/c/config.toml:1: the key \"key\" is missing"),
            (
                "[[retry]]\nwaits = \"5m\"\nscope = \"domain\"\nkey = \"a b\"\n",
                "/c/config.toml:4: retry.key: \"a b\" is no domain"
            ),
            (
                "[[retry]]\nwaits = \"5m\"\nscope = \"account\"\nkey = \"nobody\"\n",
                "/c/config.toml:4: retry.key: there is no account"
            ),
            (
                "[[retry]]\nwaits = \"5m\"\nreply = \"grey\"\n",
                "/c/config.toml:3: retry.reply: \"grey\" is neither a kind"
            ),
            (
                "[[retry]]\nwaits = \"5m\"\nreply = \"address\"\n",
                "/c/config.toml:3: retry.reply: \"address\" is never tried again"
            ),
            (
                "[[retry]]\nwaits = \"5m\"\nreply = \"qq.frequency\"\n",
                "/c/config.toml:3: retry.reply: the reply rule \"qq.frequency\" puts nobody off"
            ),
            (
                "[[retry]]\nwaits = \"5m\"\n[[retry]]\nwaits = \"6m\"\n",
                "/c/config.toml:4: retry.waits: there are two [[retry]] for everybody"
            ),
        ])
    func faults(_ text: String, _ expected: String) throws {
        let found = try #require(failure(text))
        #expect(found.status == .configuration)
        #expect(found.what.hasPrefix(expected), "\(found.what)")
    }

    @Test("schedules for some recipients and some refusals hold beside the account's own")
    func retries() throws {
        let config = try parsed(
            """
            [[account]]
            name = "a"
            host = "h"
            retry = "1m"
            [[retry]]
            reply = "greylisted"
            waits = "5m, 15m*3, 1h*6"
            [[retry]]
            scope = "domain"
            key = "foxmail.com"
            waits = "10m"
            [[retry]]
            scope = "campaign"
            key = "spring"
            waits = "20m*2"
            [[retry]]
            scope = "domain"
            key = "QQ.com"
            reply = "qq.recipient-had-enough"
            waits = "2h"
            """)
        func waits(_ domain: String, _ kind: ReplyKind, _ rule: String, campaign: String = "autumn") -> String? {
            config.retry("a", campaign: campaign, domain: domain, kind: kind, rule: rule)?.waits
        }
        #expect(waits("example.com", .greylisted, "general.greylisted") == "5m, 15m*3, 1h*6")
        #expect(waits("vip.qq.com", .temporary, "general.later") == "10m")
        #expect(waits("qq.com", .throttled, "qq.recipient-had-enough") == "2h")
        #expect(waits("example.com", .temporary, "general.later") == nil)
        #expect(waits("example.com", .temporary, "general.later", campaign: "spring") == "20m*2")
        let account = try config.sender(config.accounts[0], campaign: "autumn")
        #expect(account.retries.count == 3 && account.retry.waits == [.seconds(60)])
        #expect(config.usualWaits(config.accounts[0], campaign: "spring") == [.seconds(1200), .seconds(1200)])
        #expect(config.usualWaits(config.accounts[0], campaign: "autumn") == [.seconds(60)])
        #expect(config.retries.map(\.about).last == "domain qq.com, qq.recipient-had-enough")
    }

    @Test("a near miss is named")
    func nearMiss() throws {
        let found = try #require(failure("[[account]]\nname = \"a\"\nhost = \"h\"\nprot = 25\n"))
        #expect(found.next == "Did you mean \"port\"?")
        #expect(Suggestion.nearest(to: "sessoins", among: AccountSettings.keys) == "sessions")
        #expect(Suggestion.nearest(to: "zzz", among: AccountSettings.keys) == nil)
    }

    @Test("a file without limits keeps the standard caps, one with a limit replaces them")
    func limits() throws {
        #expect(try parsed("").limits == LimitSettings.standard)
        let own = try parsed("[[limit]]\ncount = 7\nper = \"5s\"\n").limits
        #expect(own == [LimitSettings(scope: .source, count: 7, per: .seconds(5))])
    }

    @Test("plain text goes to a loopback host only, unless it is allowed in words")
    func plaintext() throws {
        for host in ["127.0.0.1", "localhost", "::1", "127.9.9.9"] {
            #expect(throws: Never.self) { try parsed("[[account]]\nname=\"a\"\nhost=\"\(host)\"\ntls=\"none\"\n") }
        }
        for host in ["127.evil.example", "10.0.0.1", "128.0.0.1"] {
            #expect(failure("[[account]]\nname=\"a\"\nhost=\"\(host)\"\ntls=\"none\"\n") != nil)
        }
        #expect(failure("[[account]]\nname=\"a\"\nhost=\"10.0.0.1\"\ntls=\"none\"\nallow_plaintext=true\n") == nil)
    }

    @Test("an account's own port and encryption win over the preset's")
    func presetOverrides() throws {
        let account = try #require(
            try parsed("[[account]]\nname=\"a\"\npreset=\"qq\"\ntls=\"starttls\"\nsessions=9\n").accounts.first)
        #expect(account.port == 587 && account.host == "smtp.qq.com" && account.sessions == 9)
    }

    @Test("every preset can be read, and each holds a server and where to get its password")
    func presets() throws {
        let catalogue = try PresetCatalogue(folder: nil)
        #expect(
            catalogue.presets.map(\.id)
                == ["126", "163", "aliyun", "exmail", "gmail", "icloud", "local", "outlook", "qq", "ses"])
        for preset in catalogue.presets where preset.id != "local" {
            #expect(preset.password != nil && !preset.limits.isEmpty && preset.tls != .none, "\(preset.id)")
            #expect(preset.passwordInChinese != nil, "\(preset.id)")
        }
        #expect(AccountSettings.isLoopback(try #require(catalogue["local"]).host))
    }

    @Test("durations and waits are read exactly, and nothing else is")
    func durations() {
        #expect(DurationText.duration("30s") == .seconds(30))
        #expect(DurationText.duration("7d") == .seconds(604_800))
        #expect(DurationText.duration("250ms") == .milliseconds(250))
        for bad in ["", "5", "0s", "-1s", "1.5h", "1 h", "h", "99999999999999999999d", "5mm", "５s"] {
            #expect(DurationText.duration(bad) == nil, "\(bad)")
        }
        #expect(
            DurationText.waits("1m, 5m*2, 30m, 1h*6")
                == [60, 300, 300, 1800, 3600, 3600, 3600, 3600, 3600, 3600].map { .seconds($0) })
        for bad in ["", "1m,", "5m*0", "5m*x", "5m*2*2", "1m*1001"] {
            #expect(DurationText.waits(bad) == nil, "\(bad)")
        }
        for text in ["1h", "24h", "7d", "90s", "15m", "250ms"] {
            #expect(DurationText.duration(text).map(DurationText.text) == text)
        }
    }

    @Test("a password file others may read is refused, and its content shown nowhere")
    func passwordFile() async throws {
        let path = "\(temporaryFolder())/secret"
        try FilePath.create(path, with: Array("hunter2\n".utf8), mode: 0o600)
        #expect(try await PasswordSource.file(path).read(account: "a") == "hunter2")
        chmod(path, 0o640)
        do {
            _ = try await PasswordSource.file(path).read(account: "a")
            Issue.record("it was read")
        } catch let failure as Failure {
            #expect(failure.status == .configuration)
            #expect(!failure.description.contains("hunter2"))
        }
    }

    @Test("a password command gives its first line, and a failing one an error")
    func passwordCommand() async throws {
        let two = PasswordSource.command(["printf", "one\\ntwo"])
        #expect(try await two.read(account: "a") == "one")
        await #expect(throws: Failure.self) { try await PasswordSource.command(["false"]).read(account: "a") }
        await #expect(throws: Failure.self) { try await PasswordSource.command(["/nonexistent"]).read(account: "a") }
        await #expect(throws: Failure.self) { try await PasswordSource.environment("OUTPOST_NONE").read(account: "a") }
    }

    @Test("places follow OUTPOST_HOME, then XDG, then the home folder")
    func places() throws {
        let one = try Places { ["OUTPOST_HOME": "/x/"][$0] }
        #expect(one.config == "/x/config.toml" && one.queue == "/x/queue.sqlite3" && one.log == "/x/outpost.log")
        let xdg = try Places { ["XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "rel", "HOME": "/h"][$0] }
        #expect(xdg.config == "/c/outpost/config.toml")
        #expect(xdg.queue == "/h/.local/share/outpost/queue.sqlite3")
        #expect(xdg.log == "/h/.local/state/outpost/outpost.log")
    }

    @Test("an added account leaves the rest of the file as it was, and the file private")
    func addAccount() throws {
        let folder = temporaryFolder()
        let places = try Places { ["OUTPOST_HOME": folder][$0] }
        let before = "# mine\n[[account]]\nname = \"one\"\nhost = \"h\"   # keep\n"
        try FilePath.create(places.config, with: Array(before.utf8), mode: 0o644)
        var account = AccountText()
        account.add("name", "two \"quoted\" \u{7}")
        account.add("host", "h2")
        #expect(throws: Failure.self, "a control character is refused and nothing written") {
            try account.append(to: places)
        }
        #expect(try FilePath.read(places.config) == Array(before.utf8))
        var right = AccountText()
        right.add("name", "two \"quoted\"")
        right.add("host", "h2")
        let config = try right.append(to: places)
        #expect(config.accounts.map(\.name) == ["one", "two \"quoted\""])
        #expect(String(decoding: try FilePath.read(places.config), as: UTF8.self).hasPrefix(before))
        var info = stat()
        #expect(stat(places.config, &info) == 0 && info.st_mode & 0o777 == 0o600)
    }
}

/// A fresh private folder.
func temporaryFolder() -> String {
    var template = Array("/tmp/outpost-test-XXXXXX".utf8CString)
    return template.withUnsafeMutableBufferPointer { buffer in
        mkdtemp(buffer.baseAddress!).map { String(cString: $0) } ?? "/tmp"
    }
}
