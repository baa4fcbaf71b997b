"""Guess from a heading, in English or Turkish, which field a column may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from airflow_netmera_kinesis.netmera.field_name import OBJECT_FIELDS

# Headings as people write them, without case, accents and what stands between words.
_FIELDS = {
    "eventCode": "eventcode eventkey code kod olaykodu etkinlikkodu islemkodu actioncode",
    "eventName": "eventname eventtitle eventtype eventlabel event olay olayadi olayismi etkinlik etkinlikadi "
    "etkinliktipi action actionname aksiyon islem islemadi islemtipi",
    "timestamp": "timestamp time date datetime eventtime eventdate eventdatetime eventtimestamp createdat createddate "
    "createdate creationdate occurredat logtime logdate clienttime servertime datetimeutc utctime tarih zaman saat "
    "tarihsaat tarihvesaat zamandamgasi olaytarihi olayzamani etkinliktarihi islemtarihi islemzamani kayittarihi",
    "userId": "userid uid user username useridentifier memberid kullanici kullaniciid kullanicino kullanicikodu "
    "kullaniciadi kullanicikimligi uyeid uyeno uye",
    "extId": "externalid extid xid externaluserid externaluser customerid customerno customernumber customer clientid "
    "crmid crm crmno musteri musteriid musterino musterinumarasi musterikodu hariciid haricikimlik disid",
    "email": "email useremail emailaddress mail mailaddress eposta epostaadresi emailadresi mailadresi",
    "msisdn": "msisdn phone userphone phonenumber gsm gsmno gsmnumber mobile mobilephone mobilenumber telefon "
    "telefonno telefonnumarasi cep ceptelefonu cepno ceptel",
    "installationId": "installationid iid installid kurulumid",
    "deviceId": "deviceid did cihazid",
    "sessionId": "sessionid sid oturumid",
    "revenue": "revenue gelir ciro hasilat",
    "id": "eventid id recordid rowid olayid kayitid",
    "appKey": "appkey applicationkey uygulamaanahtari",
    "recordType": "recordtype",
}
_OBJECTS = {
    "params": "params parameters eventparams eventparameters parametre parametreler olayparametreleri eventdata "
    "properties eventproperties attributes eventattributes data payload json ozellikler detay detaylar details",
    "profile": "profile profileattributes userattributes userprofile profil profilozellikleri kullaniciozellikleri",
    "device": "device deviceinfo cihaz cihazbilgisi",
}
# What Netmera and its customers keep of a user rather than of an event, and of a device.
_MEMBERS = {
    "profile": "city sehir country ulke district ilce age yas gender cinsiyet language dil birthdate dateofbirth "
    "dogumtarihi firstname lastname surname ad soyad isim maritalstatus medenihal segment segments membership "
    "membershiptype uyeliktipi issubscribed occupation meslek",
}
_DEVICE = {
    "appversion": "appV", "uygulamasurumu": "appV", "osversion": "osV", "isletimsistemisurumu": "osV",
    "devicemodel": "mdl", "cihazmodeli": "mdl", "manufacturer": "mnf", "devicebrand": "mnf", "cihazmarkasi": "mnf",
    "carrier": "oper", "mobileoperator": "oper", "timezone": "tzid",
}  # fmt: skip
_ASCII = str.maketrans("çğıiöşüâîû", "cgiiosuaiu")
_PREFIX = re.compile(r"(params?|parameters?|profile?|profil|user|device|identities)[._ :-]+(.+)", re.IGNORECASE)
_OWNER = {"param": "params", "parameter": "params", "parameters": "params", "profil": "profile", "user": "profile"}


def _by_heading(words: Mapping[str, str]) -> dict[str, str]:
    return {heading: field for field, headings in words.items() for heading in headings.split()}


FIELD_OF_PLAIN: Mapping[str, str] = MappingProxyType(_by_heading(_FIELDS))
OBJECT_OF_PLAIN: Mapping[str, str] = MappingProxyType(_by_heading(_OBJECTS))
_OWNER_OF_PLAIN: Mapping[str, str] = MappingProxyType(_by_heading(_MEMBERS))


def plain(heading: str) -> str:
    """Write ``Kullanıcı ID``, ``KULLANICI_ID`` and ``kullanıcıId`` alike: kullaniciid."""
    folded = heading.replace("İ", "i").replace("I", "i").lower().translate(_ASCII)
    return re.sub(r"[^a-z0-9]", "", folded)


def member_of(heading: str) -> str:
    """Return the target of a heading that names an attribute of the user or the device, or nothing."""
    prefixed = _PREFIX.fullmatch(heading.strip())
    if prefixed:
        owner = prefixed[1].lower()
        owner = _OWNER.get(owner, owner)
        return f"{owner if owner in OBJECT_FIELDS else 'params'}.{prefixed[2]}"
    word = plain(heading)
    if word in _DEVICE:
        return f"device.{_DEVICE[word]}"
    return f"{_OWNER_OF_PLAIN[word]}.{heading.strip()}" if word in _OWNER_OF_PLAIN else ""
