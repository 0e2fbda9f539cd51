import Glibc

/// Everything the demo leaves behind, in one folder: a home of its own, a campaign, and a post office's mail.
struct DemoFolder {
    /// Absolute.
    let path: String

    static let campaign = "demo"
    static let user = "demo@demo.example"

    var campaignFolder: String { path + "/campaign" }
    var mail: String { path + "/mail" }
    var script: String { path + "/postoffice.script" }
    var postOfficeLog: String { path + "/postoffice.log" }
    var authority: String { path + "/postoffice-ca.pem" }
    var passwordFile: String { path + "/password" }
    var queue: String { path + "/queue.sqlite3" }
    var log: String { path + "/outpost.log" }

    /// Whether a demo has been here; a folder of somebody else's is not one.
    var isDemo: Bool { FilePath.exists(path + "/postoffice.script") && FilePath.exists(path + "/config.toml") }

    /// Takes away what an earlier demo made, and nothing else.
    func clear() throws {
        for name in [
            "queue.sqlite3", "queue.sqlite3-wal", "queue.sqlite3-shm", "queue.sqlite3-runners",
            "queue.sqlite3-identity", "outpost.log", "postoffice.log", "postoffice-ca.pem", "config.toml", "password",
            "postoffice.script", "campaign/people.csv", "campaign/people.rejects.csv", "campaign/message.md",
            "campaign/campaign.toml",
        ] { unlink(path + "/" + name) }
        for sub in ["new", "cur", "tmp"] {
            guard let folder = opendir(mail + "/" + sub) else { continue }
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if !name.hasPrefix(".") { unlink("\(mail)/\(sub)/\(name)") }
            }
            closedir(folder)
        }
    }

    /// Writes the campaign and what the post office is to do wrong.
    /// - Parameter password: made for this demo; it is in the password file alone.
    func write(password: String) throws {
        try FilePath.makeFolder(campaignFolder)
        try FilePath.makeFolder(mail)
        try put(passwordFile, password + "\n")
        try put(script, Self.misbehaviour)
        try put(campaignFolder + "/people.csv", DemoPeople.csv())
        try put(campaignFolder + "/message.md", Self.message)
        try put(campaignFolder + "/campaign.toml", Self.campaignFile)
    }

    /// The post office has another port each time it is started.
    func writeConfig(port: UInt16) throws {
        try put(
            path + "/config.toml",
            """
            # The demo's account: a post office on this machine alone. Its caps are those of a real provider
            # (100 an hour, 500 a day), with an hour scaled down to 4 seconds and a day to 96.
            [[account]]
            name = "demo"
            host = "127.0.0.1"
            port = \(port)
            tls = "starttls"
            ca_file = "postoffice-ca.pem"
            user = "\(Self.user)"
            password_file = "password"
            from = "Outpost Demo <demo@demo.example>"
            sessions = 4
            retry = "1s*3, 2s*5"

            [[limit]]
            scope = "source"
            count = 100
            per = "4s"
            [[limit]]
            scope = "source"
            count = 500
            per = "96s"

            """)
    }

    private func put(_ file: String, _ text: String) throws { try FilePath.replace(file, with: Array(text.utf8)) }

    private static let campaignFile = """
        name = "demo"
        account = "demo"
        from = "Outpost Demo <demo@demo.example>"
        subject = "{{name}}, news from the post office / 邮局来信"
        recipients = "people.csv"
        markdown = "message.md"
        unsubscribe = { mailto = "leave@demo.example" }

        """

    private static let message = """
        # Hello {{name}} 您好

        This is one of **300** personal messages. It was sent from a queue that may be killed at any instant
        and knows afterwards what happened to each of them.

        这是三百封个人邮件之一：每封都有自己的称呼，发往 {{city}}。

        - nobody is left out
        - nobody gets it twice
        - no limit of the provider is passed

        """

    /// A provider's everyday trouble, in the post office's own words.
    private static let misbehaviour = """
        seed 20
        cap 100 per 4s reply 550 Connection frequency limited
        at rcpt to gone*@* reply 550 5.1.1 No such user
        at rcpt rate 3% reply 451 4.3.2 Please try again later
        at mail rate 1% reply 421 4.7.0 Too many connections, try again in 1 second
        at dot first 1 drop-after
        at dot latency 20ms

        """
}
