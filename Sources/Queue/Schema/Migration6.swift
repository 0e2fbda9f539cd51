/// The orders about a campaign, beside all that happened to it.
enum Migration6 {
    static let name = "6 orders"

    static let schema = """
        -- Each entry ends with the event's id, so the last order is its campaign's last entry.
        CREATE INDEX event_order ON event (campaign) WHERE kind IN ('pause', 'resume', 'cancel');
        """
}
