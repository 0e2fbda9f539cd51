"""The campaign that is sent: a folder as `outpost import` takes it, and a certificate for the sink."""
import csv, os, random, subprocess

FIRST = "Ada Bjørn Chloé Darya Emre Freja Gökçe Hana Iván Jürgen Kenji Leïla Małgorzata Noé Örjan Petra 伟 芳 娜 敏".split()
LAST = "Adler Bergström Castro Dąbrowski Engel Fontaine García Horváth Ito Jensen Kovač Lange 王 李 张 刘".split()
CITY = "Aarhus Brno Kraków Lyon Málaga Nagoya Tromsø 成都 杭州".split()

TEXT = ("Dear {{name}}, this is what happened at {{company}} and around {{city}} this month. It is ordinary newsletter prose, "
        "long enough that encoding it is real work, and it is the same for nobody.\n\n")
HTML = ('<p style="font:15px/22px sans-serif;color:#333">Dear <b>{{name}}</b>, news for {{company}} in {{city}}: '
        '<a href="https://example.org/r/{{code}}/%d">story %d</a>, in ordinary newsletter prose.</p>\n')


def make_campaign(folder, count, size=10240):
    """Writes the folder; answers about how long a rendered message is, in bytes."""
    os.makedirs(folder)
    rng = random.Random(11)
    with open(f"{folder}/people.csv", "w", newline="", encoding="utf-8") as f:
        rows = csv.writer(f)
        rows.writerow(["email", "name", "company", "city", "code"])
        for i in range(count):
            rows.writerow([f"reader{i:07d}@d{i % 64}.example.net", f"{rng.choice(FIRST)} {rng.choice(LAST)}",
                           f"{rng.choice(LAST)} & {rng.choice(LAST)}", rng.choice(CITY), f"{rng.getrandbits(40):010x}"])
    text = TEXT * 20 + "Unsubscribe: https://example.org/u/{{code}}\n"
    html, i = "<!doctype html><html><body>\n", 0
    while len(html) + len(text) < size:
        html += HTML % (i, i)
        i += 1
    html += "</body></html>\n"
    with open(f"{folder}/message.txt", "w") as f:
        f.write(text)
    with open(f"{folder}/message.html", "w") as f:
        f.write(html)
    with open(f"{folder}/campaign.toml", "w") as f:
        f.write('name = "bench"\naccount = "bench"\nfrom = "news@example.org"\n'
                'subject = "{{name}}, the month at {{company}} ({{code}})"\n'
                'recipients = "people.csv"\ntext = "message.txt"\nhtml = "message.html"\n')
    return len(text) + len(html) + 700


def make_people(path, count):
    """people.csv for many: addresses that come in no order, each one only once, as in a list that grew over years."""
    rng = random.Random(12)
    names = [f"{rng.choice(FIRST)} {rng.choice(LAST)},{rng.choice(LAST)} & {rng.choice(LAST)},{rng.choice(CITY)}" for _ in range(997)]
    with open(path, "w", encoding="utf-8") as f:
        f.write("email,name,company,city,code\n")
        for begin in range(0, count, 50_000):
            # A multiplication by an odd number, modulo a power of two, is a permutation.
            numbers = ((i * 0x9E3779B1 & 0xFFFFFFFF, i) for i in range(begin, min(count, begin + 50_000)))
            f.writelines(f"r{n:08x}@d{i % 64}.example.net,{names[i % 997]},{n:08x}\n" for n, i in numbers)


def whole_message(folder, path):
    """The campaign's message as one file with CR LF and {{placeholders}}, about as long as it is when rendered: for a sender that
    only fills in."""
    text, html = (open(f"{folder}/message.{end}", encoding="utf-8").read() for end in ("txt", "html"))
    head = ("From: news@example.org\nTo: {{email}}\nSubject: {{name}}, the month at {{company}} ({{code}})\nMessage-ID: <{{code}}@example.org>\n"
            "Date: Mon, 2 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=bound\n\n")
    part = "--bound\nContent-Type: text/{}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    whole = head + part.format("plain") + text + "\n" + part.format("html") + html + "\n--bound--"
    with open(path, "w", newline="", encoding="utf-8") as f:
        f.write(whole.replace("\n", "\r\n"))


def make_certificate(folder):
    """ca.pem, and cert.pem with key and certificate for localhost, signed by it."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench ca")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
    with open(f"{folder}/leaf.ext", "w") as f:
        f.write("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "leaf.ext", "-out", "leaf.pem")
    with open(f"{folder}/cert.pem", "w") as f:
        f.write(open(f"{folder}/leaf.key").read() + open(f"{folder}/leaf.pem").read())
