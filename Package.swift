// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Swift 6.3 takes a hop back to an actor for superfluous when all that follows is a call that runs on its caller's
    // executor; sockets were then touched off their lanes in optimised builds.
    .unsafeFlags(["-Xllvm", "-sil-disable-pass=optimize-hop-to-executor"], .when(configuration: .release)),
]

/// The release links Swift's own libraries into the program: it starts in two thirds of the time that loading them takes, and
/// runs where no Swift is installed. `OUTPOST_SHARED=1` leaves them out. Named are those that only the static form of
/// Foundation asks for.
let linked: [LinkerSetting] =
    Context.environment["OUTPOST_SHARED"] == "1"
    ? []
    : [
        .unsafeFlags(
            ["-static-stdlib", "-use-ld=lld"]
                + ["_FoundationICU", "CoreFoundation", "_FoundationCShims", "_FoundationCollections"].map { "-l" + $0 },
            .when(platforms: [.linux], configuration: .release))
    ]

let package = Package(
    name: "outpost",
    products: [.executable(name: "outpost", targets: ["outpost"])],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL"),
        .target(name: "CNcurses", path: "Sources/CNcurses", linkerSettings: [.linkedLibrary("ncursesw")]),
        .systemLibrary(name: "CCmark", path: "Sources/CCmark"),
        // Opened when a mailbox is asked, and so not linked.
        .target(name: "CCurl", path: "Sources/CCurl"),
        .systemLibrary(name: "CIDN2", path: "Sources/CIDN2"),
        .systemLibrary(name: "CAres", path: "Sources/CAres"),
        .systemLibrary(name: "CSystem", path: "Sources/CSystem"),
        .systemLibrary(name: "CSQLite", path: "Sources/CSQLite"),
        .target(name: "Clock", dependencies: ["CSystem"], path: "Sources/Clock", swiftSettings: strict),
        .target(
            name: "Mail",
            dependencies: [
                "Clock", "CCmark", "CIDN2", "COpenSSL", .product(name: "Mustache", package: "swift-mustache"),
            ],
            path: "Sources/Mail", swiftSettings: strict),
        .target(
            name: "Queue",
            dependencies: ["Clock", "CSystem", "CSQLite", .product(name: "GRDB", package: "GRDB.swift")],
            path: "Sources/Queue", swiftSettings: strict),
        .target(
            name: "Transport", dependencies: ["Clock", "CAres", "CSystem", "COpenSSL"], path: "Sources/Transport",
            swiftSettings: strict),
        .target(name: "IMAP", dependencies: ["Clock", "CCurl"], path: "Sources/IMAP", swiftSettings: strict),
        .target(
            name: "PostOffice", dependencies: ["Clock", "Transport"], path: "Sources/PostOffice",
            swiftSettings: strict),
        .target(
            name: "Sender", dependencies: ["Clock", "COpenSSL", "Transport", "Mail", "Queue"], path: "Sources/Sender",
            swiftSettings: strict),
        .executableTarget(
            name: "outpost",
            dependencies: [
                "Clock", "Mail", "Queue", "Transport", "PostOffice", "Sender", "IMAP", "CNcurses", "COpenSSL",
                "CSystem",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "TOMLKit", package: "TOMLKit"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            path: "Sources/App", swiftSettings: strict, linkerSettings: linked),
        .testTarget(
            name: "MailTests", dependencies: ["Mail", "Clock", .product(name: "Mustache", package: "swift-mustache")],
            swiftSettings: strict),
        .testTarget(
            name: "QueueTests", dependencies: ["Queue", "Clock"], exclude: ["Kept"], swiftSettings: strict),
        .testTarget(name: "IMAPTests", dependencies: ["IMAP", "Clock"], swiftSettings: strict),
        .testTarget(name: "TransportTests", dependencies: ["Transport", "Clock"], swiftSettings: strict),
        .testTarget(
            name: "PostOfficeTests", dependencies: ["PostOffice", "Transport", "Clock"], swiftSettings: strict),
        .testTarget(
            name: "SenderTests", dependencies: ["Sender", "PostOffice", "Queue", "Mail", "Transport", "Clock"],
            swiftSettings: strict),
        .testTarget(
            name: "AppTests",
            dependencies: [
                "outpost", "Sender", "Queue", "Mail", "IMAP", "Clock",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .testTarget(name: "Acceptance", dependencies: ["Clock"], path: "Tests/Acceptance", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
