"""Horizontal bars as SVG that reads on light and dark pages."""

from html import escape

LABELS, BARS, GAP, ROW, HEAD = 330, 220, 70, 18, 46

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 } .head { font-weight: 600 } .value { font-size: 11px }
.ours { fill: #0b6bcb } .other { fill: #9aa4b0 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .ours { fill: #58a6ff } .other { fill: #6e7681 }
}
"""


def text(x, y, content, kind="", anchor="start"):
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>'


def section(y, title, columns, rows):
    """A title line and a line of bars for every row, each column with a scale of its own."""
    parts = [text(0, y, title, "head")]
    largest = [max((row[1][index] or 0 for row in rows), default=0) for index in range(len(columns))]
    for index, name in enumerate(columns):
        parts.append(text(LABELS + index * (BARS + GAP), y, name, "head"))
    for line, (label, values, is_ours) in enumerate(rows):
        base = y + (line + 1) * ROW
        parts.append(text(0, base, label))
        for index, value in enumerate(values):
            if value is None:
                continue
            x = LABELS + index * (BARS + GAP)
            width = BARS * value / largest[index]
            parts.append(f'<rect x="{x:g}" y="{base - 11:g}" width="{width:.1f}" height="13" rx="2" '
                         f'class="{"ours" if is_ours else "other"}"/>')
            parts.append(text(x + width + 5, base, f"{value:,.1f}", "value"))
    return parts


def svg(title, columns, sections):
    """`sections`: (title, rows), a row being (label, a value or None for every column, whether it is ours)."""
    parts, y = [text(0, 16, title, "title")], HEAD
    for name, rows in sections:
        parts += section(y, name, columns, rows)
        y += (len(rows) + 2) * ROW
    width = LABELS + len(columns) * (BARS + GAP)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 {width + 16} {y + 8}" width="{width + 16}" '
            f'role="img"><title>{escape(title)}</title><style>{STYLE}</style>' + "\n".join(parts) + "</svg>\n")
