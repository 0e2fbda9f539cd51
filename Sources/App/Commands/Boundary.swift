import ArgumentParser
import Glibc
import IMAP
import Mail
import PostOffice
import Queue
import Sender
import Transport

/// The one place where an error becomes words on stderr and an exit code.
enum Boundary {
    /// Ends the process with what `error` means.
    static func leave(_ error: any Error) -> Never {
        if error is ExitCode || isParsers(error) { ParserText.leave(error) }
        let failure = failure(for: error)
        say(failure)
        if let places = try? Places() { LogFile(places.log).write(.error, failure.description) }
        exit(failure.status.rawValue)
    }

    static func say(_ failure: Failure) {
        Notice.line("outpost: " + failure.what)
        if let next = failure.next { Notice.line("  " + next) }
    }

    /// Help, version and usage faults are the parser's own to print (0 or 64).
    private static func isParsers(_ error: any Error) -> Bool {
        if error is CleanExit || error is ValidationError { return true }
        let code = Outpost.exitCode(for: error)
        return code == .success || code == .validationFailure
    }

    static func failure(for error: any Error) -> Failure {
        switch error {
        case let failure as Failure: return failure
        case let error as QueueError: return Failure(status(of: error), words(error))
        case let error as CSVError: return Failure(.badData, told(error.description))
        case let error as ContentError: return Failure(.badData, told(error.description))
        case let error as AddressError: return Failure(.badData, told(error.description))
        case let error as SessionError:
            if case .login = error { return Failure(.loginRefused, told(error.description), next: loginAdvice) }
            return Failure(.unreachable, told(error.description))
        case let error as IMAPError: return mailboxFailure(error)
        case let error as PostOfficeError:
            if case .script = error.kind { return Failure(.badData, error.description) }
            return Failure(.ioError, error.description)
        case let error as TransportError: return Failure(.unreachable, told("\(error)"))
        default: return Failure(.internalError, tr("Something went wrong inside: {0}", "\(error)"))
        }
    }

    /// A state's name is a word of ours only where it is known to be one.
    private static func words(_ error: QueueError) -> String {
        switch error {
        case .halted(let state): tr("The campaign is {0}, so nothing is sent.", CampaignStatus.word(state))
        default: told(error.description)
        }
    }

    private static func mailboxFailure(_ error: IMAPError) -> Failure {
        switch error.kind {
        case .login: Failure(.loginRefused, told(error.description), next: loginAdvice)
        case .certificate:
            Failure(
                .unreachable, told(error.description),
                next: tr("If it is your own server, name its authority: ca_file = \"ca.pem\" in its [[account]]."))
        case .library: Failure(.unreachable, told(error.description), next: tr("Install it: sudo apt install libcurl4"))
        case .unreachable, .refused, .garbled: Failure(.unreachable, told(error.description))
        }
    }

    static let loginAdvice = tr(
        "Many providers want an app password (授权码), not the login password; outpost presets says where to get one.")

    private static func status(of error: QueueError) -> ExitStatus {
        switch error {
        case .missing, .lost, .noSuchCampaign: .notFound
        case .cannotCreate, .campaignExists: .cannotCreate
        case .notAQueue, .corrupt, .newer, .columnsChanged, .invalid: .badData
        case .readOnly, .full, .cannotWrite, .io, .replaced, .unreadable: .ioError
        case .locked, .halted, .unclaimed: .workLeft
        case .illegalTransition: .usage
        case .networkFileSystem: .configuration
        case .notOpen, .stopped: .internalError
        }
    }
}
