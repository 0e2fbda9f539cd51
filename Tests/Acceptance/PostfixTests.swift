import Foundation
import Glibc
import Testing

extension BuiltProgram {
    @Suite("a real Postfix")
    struct RealPostfix {
        @Test(
            "thirty letters in Chinese with text, HTML and an attachment arrive whole through TLS and a login",
            .enabled(if: geteuid() == 0, "Postfix's master starts as root only"))
        func letters() async throws {
            let postfix = try await Postfix()
            do {
                try await send(through: postfix)
            } catch {
                await postfix.stop()
                throw error
            }
            await postfix.stop()
        }

        private func send(through postfix: Postfix) async throws {
            let home = try Home()
            let secret = try home.folder.write("home/secret", Postfix.password + "\n")
            try home.configure(
                port: postfix.port, tls: "starttls", caFile: postfix.authority,
                user: "\(Postfix.user)@\(Postfix.realm)",
                passwordFile: secret, sessions: 3)
            // Every byte value, so that a wrong encoding cannot hide.
            let attachment = (0..<5000).map { UInt8($0 * 7 % 256) }
            try home.folder.write("spring/价目表.bin", attachment)
            let long = String(repeating: "这是一个很长的段落，没有任何换行。", count: 80)
            try home.campaign(
                people: People.csv(30), message: "你好 {{name}}：\n\n.一行以点开头\nFrom here on\n\(long)\n再见\n",
                subject: "{{name}}，这是一封主题相当长的信，长到必须折行才能放进一个标题里——2026 春季", html: "<p>你好 <b>{{name}}</b>：\(long)</p>\n",
                more: "attachments = [\"价目表.bin\"]\n")
            let outcome = try await home.outpost("send", "spring")
            #expect(outcome.code == 0, "\(outcome.err)\n\(postfix.log.suffix(3000))")
            try await eventually(within: 30, "Postfix delivers thirty") { postfix.mails.count == 30 }

            let letters = try await Delivered.read(postfix.mails, in: home.folder)
            #expect(letters.count == 30)
            var seen: Set<String> = []
            for letter in letters {
                let index = try #require((0..<30).first { letter.to.contains(People.email($0)) }, "\(letter.to)")
                seen.insert(letter.to)
                let name = People.name(index)
                #expect(letter.defects == [])
                #expect(letter.subject == "\(name)，这是一封主题相当长的信，长到必须折行才能放进一个标题里——2026 春季")
                let text = letter.text.replacingOccurrences(of: "\r\n", with: "\n")
                #expect(text == "你好 \(name)：\n\n.一行以点开头\nFrom here on\n\(long)\n再见\n")
                #expect(letter.html.contains("：\(long)</p>"))
                #expect(letter.attachments.count == 1)
                #expect(letter.attachments.first?.name == "价目表.bin")
                #expect(letter.attachments.first?.bytes == attachment)
                #expect(letter.headers["from"]?.contains("春天") == true, "\(letter.headers["from"] ?? "")")
                #expect(letter.headers["date"] != nil && letter.headers["message-id"] != nil)
            }
            #expect(seen.count == 30)
            #expect(postfix.log.contains("sasl_method="))
            #expect(postfix.log.contains("TLS connection established"))
        }
    }
}
