"""Which columns a file of experts may have, and which field of `Expert` each of them fills."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

COLUMNS = {
    "Username": "username",
    "First Name": "first_name",
    "Last Name": "last_name",
    "Job Title": "job_title",
    "Company": "company",
    "Bio": "bio",
    "Hourly Rate": "hourly_rate",
    "Currency": "currency",
    "Profile URL": "profile_url",
    "Profile Image Url": "photo_url",
    "Category": "category",
    "E-mail": "email",
    "Phone": "phone",
    "City": "city",
    "Country": "country",
    "Languages": "languages",
    "Availability": "availability",
    "Available From": "available_from",
    "Links": "links",
    "Created At": "created_at",
}
"""Column -> field, in the order of an export."""

FULL_NAME = "full_name"
LOCATION = "location"
EMAIL = "email"
MADE_FROM = {"Full Name": FULL_NAME, "Location": LOCATION}
"""Columns that fill no field themselves: names are made from the one, city and country from the other."""

HEADINGS = {field: column for column, field in (COLUMNS | MADE_FROM).items()}
"""Field -> column."""

_SYNONYMS = {
    "username": (
        "user name, user, login, login name, user id, userid, account, handle, nickname, "
        "gebruikersnaam, gebruiker, inlognaam, benutzername, benutzer, anmeldename, nutzername, "
        "nom d utilisateur, utilisateur, identifiant, pseudo"
    ),
    "first_name": ("firstname, given name, forename, first, voornaam, roepnaam, vorname, rufname, prenom, prénom"),
    "last_name": (
        "lastname, surname, family name, last, achternaam, familienaam, nachname, familienname, nom, nom de famille"
    ),
    FULL_NAME: (
        "full name, fullname, name, display name, expert, expert name, employee, contact, "
        "naam, volledige naam, medewerker, vollständiger name, vollstaendiger name, mitarbeiter, anzeigename, "
        "nom complet, nom et prenom, prenom et nom, collaborateur"
    ),
    EMAIL: (
        "e mail, email, mail, email address, e mail address, mailadres, e mailadres, emailadres, "
        "e mail adresse, email adresse, mailadresse, courriel, adresse e mail, adresse email, adresse mail"
    ),
    "job_title": (
        "title, jobtitle, role, position, function, headline, occupation, profession, job, "
        "functie, functietitel, beroep, rol, stelle, beruf, berufsbezeichnung, funktion, "
        "stellenbezeichnung, "
        "poste, fonction, intitule du poste, metier, titre"
    ),
    "company": (
        "organisation, organization, employer, firm, company name, business, "
        "bedrijf, bedrijfsnaam, organisatie, werkgever, firma, unternehmen, arbeitgeber, "
        "entreprise, societe, employeur"
    ),
    "bio": (
        "biography, about, about me, description, summary, profile, profile text, introduction, experience, "
        "biografie, over, over mij, omschrijving, beschrijving, samenvatting, profiel, profieltekst, "
        "beschreibung, über mich, ueber mich, zusammenfassung, profil, kurzprofil, "
        "biographie, a propos, presentation, resume"
    ),
    "hourly_rate": (
        "rate, rate per hour, price, price per hour, hourly, fee, hourly fee, "
        "uurtarief, tarief, prijs, prijs per uur, tarief per uur, stundensatz, satz, preis, honorar, "
        "taux horaire, tarif, tarif horaire, prix, prix horaire"
    ),
    "currency": "currency code, valuta, munt, waehrung, währung, devise, monnaie",
    "profile_url": (
        "url, website, web site, link, profile link, profile, homepage, linkedin, linkedin url, web page, "
        "profiel url, profiellink, webseite, profil url, profillink, site web, site, lien, lien du profil"
    ),
    "photo_url": (
        "photo, photo url, image, image url, picture, picture url, avatar, avatar url, profile image, "
        "profile photo, profile picture, foto, foto url, afbeelding, profielfoto, bild, bild url, profilbild, "
        "photo de profil, image de profil"
    ),
    "category": (
        "group, department, team, sector, field, area, categorie, afdeling, vakgebied, groep, "
        "kategorie, abteilung, bereich, gruppe, catégorie, service, departement, domaine"
    ),
    "phone": (
        "phone number, telephone, telephone number, tel, mobile, mobile number, mobile phone, cell, cell phone, "
        "telefoon, telefoonnummer, mobiel, mobiel nummer, gsm, telefon, telefonnummer, handy, handynummer, mobil, "
        "mobilnummer, téléphone, numero de telephone, portable, telephone portable"
    ),
    LOCATION: "place, based in, locatie, standplaats, standort, lieu, localisation",
    "city": "town, plaats, stad, woonplaats, vestigingsplaats, ort, stadt, wohnort, ville, localité, commune",
    "country": "country code, land, landcode, landnaam, ländercode, pays, code pays",
    "languages": (
        "language, spoken languages, language skills, talen, taal, talenkennis, sprachen, sprache, sprachkenntnisse, "
        "langues, langue, langues parlees"
    ),
    "availability": (
        "available, capacity, beschikbaarheid, beschikbaar, verfügbarkeit, verfuegbarkeit, verfügbar, "
        "disponibilité, disponible"
    ),
    "available_from": (
        "available since, available as of, earliest start, start date, beschikbaar vanaf, beschikbaar per, "
        "startdatum, verfügbar ab, verfuegbar ab, frei ab, disponible a partir du, disponible des, date de debut"
    ),
    "links": (
        "websites, other links, further links, social links, social media, meer links, overige links, "
        "weitere links, webseiten, liens, autres liens, sites"
    ),
    "created_at": (
        "created, created on, creation date, date created, date, joined, joined at, member since, added, added at, "
        "registered, aangemaakt, aangemaakt op, datum, toegevoegd, toegevoegd op, lid sinds, "
        "erstellt, erstellt am, angelegt, angelegt am, hinzugefügt, mitglied seit, "
        "cree le, date de creation, creation, ajoute le, membre depuis"
    ),
}
"""Field -> other names of its column, in English, Dutch, German and French. The first field that lists one has it."""


def field_of(column: str) -> str | None:
    """The field that a column fills, in any case, with spaces or underscores; None for an unknown column."""
    return _FIELDS.get(_normalised(column))


def likely_field_of(column: str) -> str | None:
    """The field that a column of another name fills by its meaning; also FULL_NAME and LOCATION."""
    return _MEANINGS.get(_plain(column)) if len(column) <= 100 else None


def _normalised(column: str) -> str:
    return re.sub(r"[\s_]+", " ", column).strip().casefold()


@lru_cache(maxsize=1_000)
def _plain(column: str) -> str:
    """The words of `column` without accents and punctuation."""
    apart = unicodedata.normalize("NFKD", column.casefold())
    return " ".join(re.findall(r"[^\W_]+", "".join(sign for sign in apart if not unicodedata.combining(sign))))


_FIELDS = {_normalised(name): field for column, field in COLUMNS.items() for name in (column, field)}
_MEANINGS: dict[str, str] = {}
for _column, _field in (COLUMNS | MADE_FROM).items():
    _MEANINGS[_plain(_column)] = _field
for _field, _names in _SYNONYMS.items():
    for _name in _names.split(", "):
        _MEANINGS.setdefault(_plain(_name), _field)
