import Sender

/// Reply codes (RFC 5321 §4.2, RFC 4954 §6) and enhanced status codes (RFC 3463, RFC 7372, RFC 7505) in plain words.
enum StoryCodes {
    static func meaning(of code: Int) -> String {
        switch code {
        case 220: tr("The server is ready.")
        case 221: tr("The server closes the connection, as it was asked to.")
        case 235: tr("The login is accepted.")
        case 250: tr("Done. After the end of a message: the server has taken it and is answerable for it.")
        case 251: tr("The recipient is elsewhere; the server forwards.")
        case 252: tr("The server cannot say whether the address exists, but will try.")
        case 334: tr("The server waits for the next part of the login.")
        case 354: tr("The server waits for the message.")
        case 421: tr("The server closes the connection for now: it is busy, or it was too much at once.")
        case 432: tr("The password must be changed before the login works.")
        case 450: tr("The mailbox cannot be reached for now: busy, or held back on purpose (greylisting).")
        case 451:
            tr("Something went wrong at the server for now; or it holds back strangers for a while (greylisting).")
        case 452: tr("The server or the mailbox has no room for now, or too many recipients came at once.")
        case 454: tr("The login or the encryption cannot be had for now.")
        case 455: tr("The server cannot do with these parameters for now.")
        case 500, 501, 502, 503, 504, 555:
            tr(
                "The server did not understand the command, or not at this point. Addresses with odd characters cause it too."
            )
        case 521, 556: tr("This host or domain takes no mail at all.")
        case 523: tr("The message is larger than the server takes.")
        case 530: tr("The server wants a login first, or encryption before it.")
        case 534: tr("This way to log in is too weak for the server: many want an app password (授权码).")
        case 535: tr("User and password do not fit together.")
        case 538: tr("The server wants encryption before this way to log in.")
        case 550:
            tr("Refused: no such mailbox, or the server does not want this mail. Some providers say it for throttling.")
        case 551: tr("The recipient is not here, and the server does not forward.")
        case 552: tr("Too large, or the mailbox is full.")
        case 553: tr("The server does not take this address, of the recipient or of the sender.")
        case 554: tr("Refused: by policy, as unsolicited mail, or for the sender's address.")
        case 200..<300: tr("The server agrees.")
        case 300..<400: tr("The server waits for more.")
        case 400..<500: tr("Not now: the same may work later.")
        default: tr("No, and the same will not work later.")
        }
    }

    static func meaning(ofEnhanced code: String) -> String? {
        let parts = code.split(separator: ".").map(String.init)
        guard parts.count == 3 else { return nil }
        let detail = "\(parts[1]).\(parts[2])"
        return words[detail]?() ?? subject(parts[1])
    }

    private static func subject(_ number: String) -> String? {
        switch number {
        case "0": tr("Nothing more precise is said.")
        case "1": tr("It is about an address.")
        case "2": tr("It is about the mailbox.")
        case "3": tr("It is about the recipient's mail system.")
        case "4": tr("It is about the network or the routing.")
        case "5": tr("It is about the dialogue between the servers.")
        case "6": tr("It is about the message's content or form.")
        case "7": tr("It is about security or policy.")
        default: nil
        }
    }

    /// By subject and detail.
    private static let words: [String: @Sendable () -> String] = [
        "1.0": { tr("There is something about the address, not said what.") },
        "1.1": { tr("There is no mailbox of this name.") },
        "1.2": { tr("The address's domain does not exist.") },
        "1.3": { tr("The address is not written as one.") },
        "1.6": { tr("The mailbox has moved, and nobody says where.") },
        "1.7": { tr("The sender's address is not written as one.") },
        "1.8": { tr("The sender's domain does not exist.") },
        "1.10": { tr("The domain says of itself that it takes no mail (null MX).") },
        "2.0": { tr("There is something about the mailbox, not said what.") },
        "2.1": { tr("The mailbox is there, but closed.") },
        "2.2": { tr("The mailbox is full.") },
        "2.3": { tr("The message is longer than this mailbox takes.") },
        "3.1": { tr("The mail system is full.") },
        "3.2": { tr("The system takes no mail now.") },
        "3.4": { tr("The message is too big for the system.") },
        "4.1": { tr("The recipient's host does not answer.") },
        "4.2": { tr("The connection was bad.") },
        "4.4": { tr("No way to the recipient's host is known.") },
        "4.5": { tr("The network or the server is congested; also said when a sending quota is used up.") },
        "4.7": { tr("It could not be delivered in time.") },
        "5.3": { tr("There are too many recipients.") },
        "7.0": { tr("There is something about policy, not said what.") },
        "7.1": { tr("The server's policy does not allow this mail.") },
        "7.8": { tr("The credentials are wrong.") },
        "7.9": { tr("This way to log in is too weak for the server.") },
        "7.11": { tr("This way to log in needs encryption.") },
        "7.20": { tr("There is no DKIM signature that holds.") },
        "7.23": { tr("SPF says that this server may not send for the domain.") },
        "7.25": { tr("The sending address has no reverse name in DNS.") },
        "7.26": { tr("Neither SPF nor DKIM vouches for the sender.") },
        "7.28": { tr("Too much mail came from this sender in a short time.") },
    ]

    /// What a person can do; nil when waiting is all there is, and outpost does that.
    static func cure(_ reply: Reply, _ verdict: Verdict?) -> String? {
        let text = reply.text.lowercased()
        if let verdict, verdict.action == .login {
            return switch reply.code {
            case 530, 538: tr("Set user and password for the account, and tls = \"implicit\" or \"starttls\".")
            default:
                tr(
                    "Check the user. Many providers (QQ, 163, Gmail, iCloud) want an app password (授权码) made on their web site, with SMTP switched on there: outpost presets says where."
                )
            }
        }
        switch reply.enhanced {
        case "5.7.20"?, "5.7.23"?, "5.7.25"?, "5.7.26"?:
            return tr("Set up SPF, DKIM and a reverse name for your domain, or send through the domain's own provider.")
        case "5.3.4"?, "5.2.3"?: return tr("Make the message smaller: attachments count a third more than their files.")
        case "5.1.10"?, "5.1.1"?, "5.1.2"?, "5.1.3"?, "5.1.6"?, "5.2.1"?:
            return tr("Correct or remove the address in your list.")
        default: break
        }
        if let verdict, verdict.level == .route {
            if text.contains("same as") || text.contains("not owned") {
                return tr("Make from in campaign.toml the account's own address.")
            }
            if text.contains("relay") {
                return tr("Log in (user and password), or send through the server that is responsible for your domain.")
            }
            if text.contains("spamhaus") || text.contains("blacklist") || text.contains("blocklist") {
                return tr(
                    "The sending address is on a block list: ask its owner to have it removed, or use another source.")
            }
            return tr(
                "Send more slowly: lower the caps or the sessions of the account, or add another source. outpost waits by itself."
            )
        }
        switch reply.code {
        case 523: return tr("Make the message smaller: attachments count a third more than their files.")
        case 552 where verdict?.level == .message:
            return tr("Make the message smaller: attachments count a third more than their files.")
        case 550...554 where verdict?.level == .message:
            return tr(
                "Look at the content as a filter does: links, wording, one picture and no text. Then outpost test, and outpost retry."
            )
        case 500...504, 555:
            return tr("Look whether the address is written rightly; if all are refused so, tell the server's operator.")
        case 521, 551, 556: return tr("Correct or remove the address in your list.")
        case 550,
            553 where verdict?.action == .fail:
            return tr(
                "If the address is right, ask the recipient. If many are refused so, the server may be throttling: outpost log shows its words."
            )
        case 554: return tr("The words after the code say more; if all are refused so, ask the provider why.")
        default: return nil
        }
    }
}
