"""Documents and photos of experts in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms import ModelForm
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import localize, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from experts.attachments import documents, photos
from experts.attachments.documents import ReadDocument
from experts.models import Document, Expert

NEW_PHOTO = "new_photo"
REMOVE_PHOTO = "remove_photo"
PHOTO_FIELDS = (NEW_PHOTO, REMOVE_PHOTO)
_FILE = "file"


class ReadUpload(UploadedFile):
    """An uploaded file that was read before the transaction of the form began, which may then be short."""

    def __init__(self, file: UploadedFile) -> None:
        super().__init__(file.file, file.name, file.content_type, file.size, file.charset)
        self.document: ReadDocument | None = None
        self.photo = b""
        self.error: ValidationError | None = None

    def read_with(self, prefix: str) -> ReadUpload:
        """Read it as what the field of this name takes."""
        try:
            if prefix == NEW_PHOTO:
                self.photo = photos.from_upload(self)
            else:
                self.document = documents.read_upload(self)
        except ValidationError as error:
            self.error = error
        return self


def checked(upload: object) -> ReadUpload | None:
    """Raises ValidationError if the upload cannot be what its field takes."""
    if not isinstance(upload, ReadUpload):
        return None
    if upload.error is not None:
        raise upload.error
    return upload


class PhotoFields(forms.ModelForm):
    """The fields of a form with which the photo of an expert is changed."""

    new_photo = forms.FileField(
        label=gettext_lazy("Upload a photo"),
        required=False,
        allow_empty_file=True,
        help_text=gettext_lazy("JPEG, PNG, WebP or GIF. It is made smaller, and where it was taken is removed."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/gif"}),
    )
    remove_photo = forms.BooleanField(label=gettext_lazy("Remove the photo"), required=False)

    def clean_new_photo(self) -> ReadUpload | None:
        return checked(self.cleaned_data[NEW_PHOTO])

    def save_photo(self) -> None:
        """Raises OSError if it cannot be stored."""
        upload = self.cleaned_data.get(NEW_PHOTO)
        if upload is not None:
            photos.set_photo(self.instance, upload.photo)
        elif self.cleaned_data.get(REMOVE_PHOTO) and self.instance.photo_file:
            photos.remove_photo(self.instance)


class DocumentForm(forms.ModelForm):
    file = forms.FileField(
        label=gettext_lazy("file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".pdf,.docx,.txt"}),
    )

    class Meta:
        model = Document
        fields = ()

    def clean_file(self) -> ReadUpload | None:
        return checked(self.cleaned_data[_FILE])


class DocumentFormSet(BaseInlineFormSet):
    by = ""
    """Username of who uploads."""

    def clean(self) -> None:
        """Raises ValidationError if the expert would have the same file twice, or too many."""
        super().clean()
        gone = {form.instance.pk for form in self.deleted_forms}
        kept = [document for document in self.get_queryset() if document.pk not in gone]
        names = {document.sha256: str(document) for document in kept}
        for read in self._read():
            if read.sha256 in names:
                raise documents.has_it_already(names[read.sha256])
            names[read.sha256] = read.name
        if len(names) > documents.MOST_OF_ONE:
            raise documents.too_many()

    def save_new(self, form: ModelForm, commit: bool = True) -> Document:
        return documents.add(self.instance, form.cleaned_data[_FILE].document, by=self.by)

    def _read(self) -> list[ReadDocument]:
        deleted = self.deleted_forms
        uploads = [
            form.cleaned_data.get(_FILE) for form in self.extra_forms if form.is_valid() and form not in deleted
        ]
        return [upload.document for upload in uploads if upload is not None]


class DocumentInline(admin.TabularInline):
    model = Document
    form = DocumentForm
    formset = DocumentFormSet
    fields = (_FILE, "contents", "uploaded")
    readonly_fields = ("contents", "uploaded")
    extra = 1
    verbose_name_plural = gettext_lazy("documents, such as a CV: PDF, Word (.docx) or text; their text is searched")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # another file is another document

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **options)
        formset.by = request.user.get_username()
        return formset

    @admin.display(description=gettext_lazy("file"))
    def file(self, document: Document) -> SafeString:
        return format_html('<a href="{}"><bdi>{}</bdi></a>', document.get_absolute_url(), document)

    @admin.display(description=gettext_lazy("contents"))
    def contents(self, document: Document) -> SafeString | str:
        """How large it is, how much of it is searched and, if that is not all, why."""
        if not document.pk:
            return ""
        about = f"{document.get_kind_display()}, {filesizeformat(document.size)}"
        if not document.characters:
            return format_html("{}<br><strong>{}</strong>", about, document.get_problem_display())
        searched = ngettext("%s character is searched.", "%s characters are searched.", document.characters)
        figure = searched % number_format(document.characters, force_grouping=True)
        return format_html("{}<br>{} {}", about, figure, document.get_problem_display())

    @admin.display(description=gettext_lazy("uploaded"), ordering="uploaded_at")
    def uploaded(self, document: Document) -> SafeString | str:
        if not document.pk:
            return ""
        return format_html("{}<br>{}", localize(timezone.localtime(document.uploaded_at)), document.uploaded_by)


class WithAttachments(admin.ModelAdmin):
    """Reads what is uploaded before the transaction in which the form is saved: reading takes seconds."""

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if getattr(request, "upload_too_large", False):
            return _back(request, _("The files are too large together. Nothing was changed: upload fewer at once."))
        uploads = self._read(request, object_id) if request.method == "POST" else []
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ValidationError as error:  # somebody else uploaded the same file meanwhile
            return _back(request, " ".join(error.messages))
        finally:
            for each in uploads:
                if each.document and not Document.objects.filter(stored_name=each.document.stored_name).exists():
                    each.document.discard()

    def _read(self, request: HttpRequest, object_id: str | None) -> list[ReadUpload]:
        expert = self.get_object(request, object_id) if object_id else None
        may_save = self.has_change_permission(request, expert) if expert else self.has_add_permission(request)
        may_add = request.user.has_perm("experts.add_document")
        names = [name for name in request.FILES if name == NEW_PHOTO or (may_add and name.startswith("documents-"))]
        uploads = []
        for name in names if may_save else ():
            file = request.FILES[name]
            assert isinstance(file, UploadedFile)
            uploads.append(ReadUpload(file).read_with(name))
            request.FILES[name] = uploads[-1]
        return uploads

    @admin.display(description=gettext_lazy("photo"))
    def photo_shown(self, expert: Expert) -> SafeString | str:
        if not expert.photo_file:
            return _("No photo: the initials are shown.")
        return format_html('<img src="{}" alt="" width="128">', expert.photo_address)


def _back(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return HttpResponseRedirect(request.get_full_path())
