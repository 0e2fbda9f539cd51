import ArgumentParser

/// `outpost accounts`
struct AccountsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accounts", abstract: "The accounts set up in config.toml.")

    @OptionGroup var format: ListFormat
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let config = try Installation().config()
        var output = StandardOutput()
        var table = TextTable([
            (tr("NAME"), .left), (tr("SERVER"), .left), (tr("PROTECTION"), .left), (tr("USER"), .left),
            (tr("FROM"), .left), (tr("SOURCE"), .left), (tr("CAPS"), .left),
        ])
        if format.csv {
            try output.write(
                CSVText.row(["name", "preset", "host", "port", "tls", "user", "from", "source", "sessions"]))
        }
        for account in config.accounts {
            if format.json {
                try output.line(Self.json(account, config).line)
            } else if format.csv {
                try output.write(
                    CSVText.row([
                        account.name, account.preset, account.host, String(account.port), account.tls.rawValue,
                        account.user, account.from, account.source ?? "default", String(account.sessions),
                    ]))
            } else {
                table.add([
                    account.name, "\(account.host):\(account.port)", account.tls.rawValue, account.user ?? "",
                    account.from ?? "", account.source ?? "default",
                    config.limits(for: account).map { "\($0.scope.rawValue) \($0.text)" }.joined(separator: ", "),
                ])
            }
        }
        if !format.json, !format.csv {
            if table.isEmpty {
                Notice.line(tr("No account is set up in {0}.", config.path))
                Notice.line("  " + tr("Type: outpost init --preset qq --user you@qq.com --password-command '…'"))
            } else {
                try output.write(table.text())
            }
        }
        try output.flush()
    }

    private static func json(_ account: AccountSettings, _ config: Config) -> JSONText {
        var object = JSONText()
        object.add("name", account.name)
        object.add("preset", account.preset)
        object.add("host", account.host)
        object.add("port", account.port)
        object.add("tls", account.tls.rawValue)
        object.add("user", account.user)
        object.add("auth", account.auth.rawValue)
        object.add("from", account.from)
        object.add("source", account.source ?? "default")
        object.add("sessions", account.sessions)
        object.add("messages_per_session", account.messagesPerSession)
        object.add("pace", account.pace.rawValue)
        object.add("retry", account.retry)
        object.add("mailbox", account.mailbox.map { "\($0.host):\($0.port)" })
        object.add("limits", config.limits(for: account).map(Self.json))
        return object
    }

    static func json(_ limit: LimitSettings) -> JSONText {
        var object = JSONText()
        object.add("scope", limit.scope.rawValue)
        object.add("key", limit.key)
        object.add("count", limit.count)
        object.add("per", DurationText.text(limit.per))
        return object
    }
}

/// `outpost presets`
struct PresetsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "presets",
        abstract: "The providers known: their servers, careful caps, and where to get a password.")

    @OptionGroup var format: ListFormat
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let catalogue = try PresetCatalogue(folder: Installation().places.configFolder)
        var output = StandardOutput()
        if format.csv { try output.write(CSVText.row(["id", "title", "host", "port", "tls", "limits", "password"])) }
        for (index, preset) in catalogue.presets.enumerated() {
            let limits = preset.limits.map(\.text).joined(separator: ", ")
            if format.json {
                var object = JSONText()
                object.add("id", preset.id)
                object.add("title", preset.title)
                object.add("host", preset.host)
                object.add("port", preset.port)
                object.add("tls", preset.tls.rawValue)
                object.add("auth", preset.auth.rawValue)
                object.add("limits", preset.limits.map(AccountsCommand.json))
                object.add("password", preset.password)
                object.add("mailbox", preset.mailbox.map { "\($0.host):\($0.port)" })
                try output.line(object.line)
            } else if format.csv {
                try output.write(
                    CSVText.row([
                        preset.id, preset.title, preset.host, String(preset.port), preset.tls.rawValue, limits,
                        preset.password,
                    ]))
            } else {
                if index > 0 { try output.line("") }
                try output.line("\(CellWidth.fit(preset.id, 9))\(preset.title)")
                try output.line("         \(preset.host):\(preset.port) \(preset.tls.rawValue)")
                if !limits.isEmpty { try output.line("         " + tr("caps: {0}", limits)) }
                if let password = preset.passwordHelp { try output.line("         " + tr("password: {0}", password)) }
            }
        }
        try output.flush()
    }
}
