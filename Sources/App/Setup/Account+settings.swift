import Clock
import Mail
import Queue
import Sender

extension Limit {
    init(_ settings: LimitSettings) {
        let scope: LimitScope =
            switch settings.scope {
            case .source: .source
            case .account: .account
            case .domain: .domain
            case .campaign: .campaign
            }
        self.init(scope: scope, key: settings.key, count: settings.count, per: settings.per)
    }
}

extension Config {
    /// An account as the sender takes it, every cap of the installation with it.
    /// - Parameter campaign: whose retry schedules are to hold beside the account's.
    /// - Throws: `Failure` (78) for what this version cannot do, or a file that is not there.
    func sender(_ settings: AccountSettings, campaign: String? = nil) throws -> Account {
        let auth = AuthMethod(rawValue: settings.auth.rawValue)
        if auth == nil, settings.auth != .auto {
            throw Failure(
                .configuration,
                tr(
                    "Account \"{0}\": auth = \"{1}\" is not in this version yet.", settings.name, settings.auth.rawValue
                ),
                next: tr("Use \"auto\", \"plain\" or \"login\": the connection is encrypted all the same."))
        }
        if let file = settings.caFile, !FilePath.exists(file) {
            throw Failure(.configuration, tr("Account \"{0}\": ca_file: there is no file {1}.", settings.name, file))
        }
        let remembered = settings.password.map { RememberedPassword($0, account: settings.name) }
        let tls: TLSMode =
            switch settings.tls {
            case .implicit: .implicit
            case .starttls: .starttls
            case .none: .none
            }
        return Account(
            name: settings.name, host: settings.host, port: UInt16(settings.port), tls: tls, caFile: settings.caFile,
            user: settings.user, auth: auth, password: { try await remembered?.value() ?? "" },
            source: settings.source, helo: settings.helo, sessions: settings.sessions,
            messagesPerSession: settings.messagesPerSession, pace: settings.pace == .even ? .even : .burst,
            retry: RetrySchedule(DurationText.waits(settings.retry) ?? []), retryIsChosen: settings.retryIsChosen,
            retries: retries.map(\.rule).holding(account: settings.name, campaign: campaign),
            timeouts: Timeouts(
                connect: settings.waits.connect, reply: settings.waits.reply, final: settings.waits.final,
                idle: settings.waits.idle),
            limits: caps(for: settings), window: settings.window,
            refusals: settings.refusals == 0 ? nil : Double(settings.refusals) / 100)
    }

    /// The caps that hold for a campaign, as far as config.toml and the queue know them.
    func limits(for campaign: Campaign) -> [Limit] {
        let standing = accounts.first { $0.name == campaign.account }.map(caps(for:)) ?? limits.map(Limit.init)
        return standing + campaign.limits
    }

    /// Every cap that holds for an account, its warm-up among them.
    func caps(for account: AccountSettings) -> [Limit] {
        let standing = limits(for: account).map(Limit.init)
        return account.warmup.isEmpty ? standing : standing + [Limit.warmup(account: account.name, account.warmup)]
    }

    /// How a campaign's account spends its caps, and how long those wait whom it puts off.
    /// - Throws: as `likelyRetries`.
    func pacing(for campaign: Campaign, in queue: Queue, by classifier: ReplyClassifier?) throws -> Pacing {
        guard let account = accounts.first(where: { $0.name == campaign.account }) else { return Pacing() }
        return Pacing(account, retries: try likelyRetries(campaign, in: queue, by: classifier))
    }

    /// The name a campaign's source is counted under.
    func source(for campaign: Campaign) -> String {
        accounts.first { $0.name == campaign.account }?.source ?? "default"
    }

    var doubtPolicy: DoubtPolicy {
        switch doubt {
        case .hold: .hold
        case .resend: .resend
        case .assumeSent: .assumeSent
        }
    }
}
