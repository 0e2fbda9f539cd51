"""The same campaign with aiosmtplib: CONNS connections, each message rendered and built with the standard library."""
import asyncio, csv, sys
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
import aiosmtplib

folder, port, conns, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
text, html = open(f"{folder}/message.txt").read(), open(f"{folder}/message.html").read()
subject = "{{name}}, the month at {{company}} ({{code}})"


def fill(template, row):
    for key, value in row.items():
        template = template.replace("{{" + key + "}}", value)
    return template


async def worker(rows):
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
    await client.connect()
    for row in rows:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "news@example.org", row["email"], fill(subject, row)
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="example.org")
        message.set_content(fill(text, row))
        message.add_alternative(fill(html, row), subtype="html")
        await client.send_message(message)
    await client.quit()


async def main():
    with open(f"{folder}/people.csv", newline="", encoding="utf-8") as f:
        rows = iter([row for _, row in zip(range(count), csv.DictReader(f))])
    await asyncio.gather(*(worker(rows) for _ in range(conns)))


asyncio.run(main())
