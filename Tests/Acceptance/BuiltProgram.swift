import Testing

/// Tests of the built binary from outside. They start servers and kill processes, so they run one after the other.
@Suite("the built program", .serialized)
struct BuiltProgram {}
