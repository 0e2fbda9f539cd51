/// When the machine's clock was last known to be right.
enum Migration8 {
    static let name = "8 sure clock"

    static let schema = """
        -- Queue time and wall time, and the boot, of the last reading while a time server kept the clock.
        ALTER TABLE clock ADD COLUMN sure_boot TEXT;
        ALTER TABLE clock ADD COLUMN sure_queue_us INTEGER;
        ALTER TABLE clock ADD COLUMN sure_wall_us INTEGER;
        """
}
