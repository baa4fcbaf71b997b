from __future__ import annotations

import pytest

from airflow_netmera_kinesis.inspection.heading_guess import FIELD_OF_PLAIN, member_of, plain


@pytest.mark.parametrize(
    ("headings", "field"),
    [
        (["External ID", "external_id", "EXTERNALID", "Müşteri No", "MÜŞTERİ_NO", "CRM ID", "Harici ID"], "extId"),
        (["User ID", "user_id", "Kullanıcı", "KULLANICI", "kullanici_no", "Üye No", "Kullanıcı ID"], "userId"),
        (["Event Name", "event", "Olay", "Olay Adı", "ETKİNLİK ADI", "İşlem"], "eventName"),
        (["Event Code", "event_code", "Olay Kodu", "Kod"], "eventCode"),
        (["Date", "Tarih", "created_at", "Event Time", "Olay Tarihi", "İşlem Zamanı", "Zaman Damgası"], "timestamp"),
        (["E-Posta", "e-mail", "Mail Adresi"], "email"),
        (["GSM No", "Telefon", "Cep Telefonu", "Phone Number"], "msisdn"),
        (["Oturum ID", "session_id"], "sessionId"),
        (["Ciro", "Revenue", "GELİR"], "revenue"),
    ],
)  # fmt: skip
def test_headings_are_known_in_english_and_turkish_however_they_are_written(headings: list[str], field: str) -> None:
    assert {FIELD_OF_PLAIN[plain(heading)] for heading in headings} == {field}


@pytest.mark.parametrize(
    ("heading", "target"),
    [("city", "profile.city"), ("Şehir", "profile.Şehir"), ("YAŞ", "profile.YAŞ"), ("App Version", "device.appV"),
     ("params.screen", "params.screen"), ("Profile: Team", "profile.Team"), ("user.segment", "profile.segment"),
     ("Tutar", ""), ("brand", ""), ("screen", "")],
)  # fmt: skip
def test_some_headings_name_an_attribute_of_the_user_or_the_device(heading: str, target: str) -> None:
    assert member_of(heading) == target
