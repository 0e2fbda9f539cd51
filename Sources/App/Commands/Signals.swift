import Glibc
import Synchronization

/// Ctrl-C and kill while a campaign is sent: the first asks for an orderly end, a second ends at once, which is safe too.
final class Signals: Sendable {
    private let action = Mutex<(@Sendable () -> Void)?>(nil)
    private let heard = Mutex<Int32?>(nil)
    private let watch = Mutex<SignalWatch?>(nil)

    init() {
        let watch = SignalWatch { [weak self] number, isFirst in
            guard isFirst else { _exit(128 + number) }
            self?.begin(number)
        }
        self.watch.withLock { $0 = watch }
    }

    /// The signal that asked for the end.
    var received: Int32? { heard.withLock { $0 } }

    /// What an orderly end means from now on.
    func drain(_ action: @escaping @Sendable () -> Void) {
        self.action.withLock { $0 = action }
        if received != nil { action() }
    }

    private func begin(_ number: Int32) {
        heard.withLock { $0 = number }
        Notice.line("\n" + tr("Finishing what is in flight; once more ends at once."))
        action.withLock { $0 }?()
    }
}
