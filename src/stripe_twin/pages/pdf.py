"""
A PDF of one page of text, as small as the format allows (ISO 32000, PDF 1.4, one of the fonts every reader has).
"""

from collections.abc import Sequence

_LINE_HEIGHT, _TOP, _LEFT = 16, 780, 60
_LINES_MAX = 46


def text_pdf(lines: Sequence[str]) -> bytes:
    """
    Return a page in A4 with these lines, the first one large; what does not fit is counted in the last line.
    """
    if len(lines) > _LINES_MAX:
        lines = [*lines[: _LINES_MAX - 1], f"... and {len(lines) - _LINES_MAX + 1} more lines"]
    drawn = [
        f"BT /F1 {20 if place == 0 else 11} Tf {_LEFT} {_TOP - place * _LINE_HEIGHT} Td {_text(line)} Tj ET"
        for place, line in enumerate(lines)
    ]
    content = "\n".join(drawn).encode("latin-1")
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            b"<< /Font << /F1 5 0 R >> >>",
        ]
    )


def _file(objects: Sequence[bytes]) -> bytes:
    """
    Assemble the objects, numbered, and add the table of where each begins.
    """
    written = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(written)


def _text(line: str) -> str:
    escaped = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"({escaped.encode('latin-1', 'replace').decode('latin-1')})"
