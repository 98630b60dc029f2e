"""Files of experts, made here: pictures, PDF and Word files."""

from __future__ import annotations

import io
from collections.abc import Sequence

import docx
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from experts.attachments import documents, photos
from experts.models import Document, Expert

CV = "Restores church organs. Tunes pipes of tin and lead.\nSpeaks Frisian.\n"


def upload(name: str = "cv.txt", content: bytes | str = CV) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def document(expert: Expert, name: str = "cv.txt", content: bytes | str = CV, by: str = "sam") -> Document:
    return documents.add(expert, documents.read_upload(upload(name, content)), by=by)


def picture(size: tuple[int, int] = (900, 600), kind: str = "JPEG", colour: object = "teal", **more: object) -> bytes:
    target = io.BytesIO()
    mode = "RGBA" if isinstance(colour, tuple) and len(colour) == 4 else "P" if kind == "GIF" else "RGB"
    Image.new(mode, size, colour).save(target, kind, **more)  # type: ignore[arg-type]
    return target.getvalue()


def photo(expert: Expert) -> Expert:
    photos.set_photo(expert, photos.encoded(io.BytesIO(picture())))
    return expert


def word(paragraphs: Sequence[str] = (CV,), cells: Sequence[str] = ()) -> bytes:
    file, target = docx.Document(), io.BytesIO()
    for text in paragraphs:
        file.add_paragraph(text)
    if cells:
        row = file.add_table(1, len(cells)).rows[0]
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    file.save(target)
    return target.getvalue()


def pdf(pages: Sequence[str] = (CV,)) -> bytes:
    """A PDF file with one line of text for each line of each page."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for text in pages:
        lines = [f"({line.replace('(', '').replace(')', '')}) Tj T*" for line in text.splitlines()]
        stream = f"BT /F1 12 Tf 14 TL 40 800 Td {' '.join(lines)} ET"
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        page = f"<</Type/Page/Parent 2 0 R/Contents {len(objects)} 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
        objects.append(page)
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}/MediaBox[0 0 595 842]>>"
    body, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj{each}endobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root 1 0 R>>"
    return body + f"{end}\nstartxref\n{len(body)}\n%%EOF\n".encode()
