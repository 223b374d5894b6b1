"""Writes codes.txt with PyPI's qrcode (8.2): a text, then a line for each of the eight masks with the rows in hexadecimal.

pip install qrcode==8.2; python generate.py; sha256sum codes.txt > SHA256SUMS
"""
import pathlib

import qrcode
from qrcode.util import MODE_8BIT_BYTE, QRData

TEXTS = [
    "a", "http://10.0.0.2:8080", "http://192.168.1.23:8080", "http://[fe80::1234:5678:9abc:def0]:8080",
    "http://" + "x" * 55, "http://" + "y" * 77, "z" * 106,
]

lines = []
for text in TEXTS:
    lines.append(text)
    for mask in range(8):
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, mask_pattern=mask)
        code.add_data(QRData(text.encode(), mode=MODE_8BIT_BYTE))
        code.make(fit=True)
        lines.append(" ".join(f"{int(''.join('01'[bool(x)] for x in row), 2):x}" for row in code.get_matrix()))
pathlib.Path(__file__).with_name("codes.txt").write_text("\n".join(lines) + "\n")
