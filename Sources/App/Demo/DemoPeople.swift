/// The made-up people of the demo's list: English and Chinese names, and the rows any real list has.
enum DemoPeople {
    private static let given = ["Ada", "Brook", "Chloe", "Daniel", "Emma", "Frank", "Grace", "Henry", "Iris", "Jack"]
    private static let family = [
        "Baker", "Carter", "Evans", "Foster", "Hughes", "Kelly", "Morgan", "Parker", "Reed", "Turner",
    ]
    private static let chinese = [
        ("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"), ("赵", "zhao"),
        ("黄", "huang"), ("周", "zhou"), ("吴", "wu"),
    ]
    private static let chineseGiven = [
        ("伟", "wei"), ("芳", "fang"), ("娜", "na"), ("秀英", "xiuying"), ("敏", "min"), ("静", "jing"), ("丽", "li"),
        ("强", "qiang"), ("磊", "lei"), ("洋", "yang"), ("艳", "yan"), ("勇", "yong"), ("军", "jun"), ("杰", "jie"),
        ("娟", "juan"),
    ]
    private static let cities = ["上海", "北京", "广州", "成都", "Leeds", "Bristol", "Oslo", "Porto"]

    /// How many of the rows are people; a duplicate and a broken row come on top.
    static let count = 300

    /// The file's text (RFC 4180).
    static func csv() -> String {
        var rows = ["email,name,city"]
        for index in 0..<count {
            let city = cities[index % cities.count]
            let number = index / 2
            if index % 2 == 0 {
                let (first, last) = (given[number % 10], family[number / 10 % 10])
                // Six addresses that the post office does not know.
                let local = index % 50 == 24 ? "gone\(index)" : "\(first).\(last)\(number / 100 + 1)".lowercased()
                rows.append("\(local)@demo.example,\(first) \(last),\(city)")
            } else {
                let (last, first) = (chinese[number % 10], chineseGiven[number / 10 % 15])
                rows.append("\(last.1).\(first.1)@demo.example,\(last.0)\(first.0),\(city)")
            }
            if index == 120 { rows.append("not an address,Nobody,\(city)") }
            if index == 200 { rows.append("Ada.Baker1@DEMO.example,Ada Baker,\(cities[0])") }
        }
        return rows.joined(separator: "\n") + "\n"
    }
}
