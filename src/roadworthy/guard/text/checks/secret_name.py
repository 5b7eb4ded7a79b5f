"""Names that say that what follows is a secret, in the languages that people write.

RE2 syntax over UTF-8 bytes: what is not ASCII stands in no character class and ignores no case.
"""

from __future__ import annotations

import re

from roadworthy.guard.text.later import compiled_later

_KEYS = (
    r"api|access|private|auth|authentication|secret|signing|signature|encryption|encrypt|decryption|cipher|crypto"
    r"|master|hmac"
    r"|aes|jwt|shared|shared[ _\-]?access|account|storage[ _\-]?account|license|webhook|admin|subscription|function"
    r"|deploy"
    r"|anon|service[ _\-]?(?:account|role)?|rest|symmetric|pre[ _\-]?shared"
)
_PASSWORDS = (
    r"passw(?:or)?ds?|pass[ _\-]?(?:phrase|code)|pwd|passwort|kennwort|zugangscode|mot[ _]de[ _]passe|motdepasse|mdp"
    r"|contrasen(?:a|ya)|parola(?: d\\?'{1,2}ordine)?|senha|palavra[ \-]passe|wachtwoord|haslo|sifre|mat khau"
    r"|kata (?:sandi|kunci)|toegangscode"
    r"|adgangskode"
    r"|kodeord|passord|salasana|heslo"
)
NATIVE_PASSWORDS = (
    r"비밀 ?번호|비번|암호|패스워드|パスワード|パスフレーズ|暗証番号|密码|密碼|口令|[Cc]ontraseña|CONTRASEÑA"
    r"|[Hh]asło|HASŁO|(?:П|п)ароль"
    r"|ПАРОЛЬ|(?:Ş|ş)ifre(?:m|si|miz|niz)?|ŞİFRE|[Mm]ật (?:khẩu|mã)|[Ll]ösen(?:ord|fras)|[Jj]elszó|[Pp]arolă|κωδικός"
    r"|סיסמה|पासवर्ड|कूटशब्द|كلمة (?:ال)?(?:مرور|سر)|الرقم السري|รหัส(?:ผ่าน|ลับ)|(?:^|[^A-Za-z])(?:kode )?sandi|[Ll]ozinka"
)
"""Names of passwords that are not ASCII."""
_TOKENS = (
    r"secret(?:[ _\-]?(?:access[ _\-]?key|token|value|string))?|token(?: provided)?|private[_\-]?key[_\-]?id"
    rf"|(?:{_KEYS})[ _\-]?keys?(?: provided)?|shared[ _]?access[ _]?signature|(?:proxy-)?authorization|_auth"
    rf"|credentials?"
    r"|seed[ _\-]?phrase|mnemonic|(?:recovery|backup)[ _\-]?codes?"
)
_APOSTROPHE = r"(?:\\?'{1,2}|’)"
_OF_ACCESS = rf"(?:de acceso|de acesso|di accesso|d{_APOSTROPHE}acc(?:è|e)s|dostępu|akses|truy cập|přístupu)"
NATIVE_TOKENS = (
    r"(?:인증|비밀|개인|서명|암호화|접근|액세스|서비스|API|시크릿) ?키|토큰|시크릿|トークン|秘密鍵|シークレット"
    r"|(?:API|アクセス)キー|密钥|秘钥|密鑰"
    rf"|令牌|私钥|金鑰|權杖|(?:[Tt]oken|[Jj]eton)(?: {_OF_ACCESS})?|[Cc]lé (?:d{_APOSTROPHE})?(?:API|secrète"
    r"|privée|accès)"
    r"|[Cc]lave (?:de )?(?:la )?(?:API|acceso|secreta|privada)|[Cc]have (?:de )?(?:API|acesso|secreta|privada)"
    r"|[Cc]hiave (?:API|segreta|privata|di accesso)|API[ -]?[Ss]chlüssel|(?:Т|т)окен(?: доступа)?|(?:С|с)екрет"
    r"|API[- ]ключ|(?:К|к)люч (?:API|доступа)|[Kk]lucz (?:API|dostępu)|[Kk]h(?:óa|oá) API|[Mm]ã (?:API|truy cập)"
    r"|API[ -](?:sleutel|nyckel|nøgle|nøkkel|klíč|kulcs|avain|anahtarı)|[Ee]rişim (?:belirteci|anahtarı)"
    r"|[Gg]izli anahtar"
    r"|[Kk]unci (?:API|akses|rahasia)|مفتاح (?:API|الوصول|سري)|رمز (?:الوصول|API|المصادقة)|(?:API|एपीआई) कुंजी|टोकन"
    r"|คีย์ ?(?:API|ลับ)|โทเค็น|โทเคน|מפתח API|אסימון|κλειδί API"
)
"""Names of keys and tokens that are not ASCII, or not English."""

PASSWORD_NAME = rf"(?:(?i:{_PASSWORDS})|(?:^|[^A-Za-z])(?i:pass)|[a-z]Pass|{NATIVE_PASSWORDS})"
"""Names of passwords."""
TOKEN_NAME = rf"(?:(?i:{_TOKENS})|{NATIVE_TOKENS})"
"""Names of keys and tokens."""
SUFFIX = (
    r"(?i:[ _\-]?(?:[0-9]{1,2}|base|prod|production|dev|test|staging|live|old|new|value|string|str|plain|text|raw"
    r"|confirm(?:ation)?|repeat|primary|secondary|main|backup|b64|base64))?"
)
"""What such a name may go on with and still be one."""
QUOTE = r"\\{0,15}[\"'`]?\]?"
"""The end of a quoted name, as deep in strings as it may be."""

_HARMLESS_BEFORE = tuple(
    b"max min num per total prompt completion input output reasoning cache cached first last next page continuation"
    b" sync cancelation cancellation eos bos pad unk sep cls mask stop special design sub image audio text thinking"
    b" generated existing unexpected pull forgot reset no missing hashed pageable nextpage".split()
)
_WORKING_DIRECTORY = compiled_later(rb"(?:\A|[^A-Za-z_])pwd\W*\Z", re.IGNORECASE)
_LONGEST_BEFORE = 16


def is_harmless_name(text: bytes, start: int) -> bool:
    """Whether what stands before a name makes it another one: `max_token`, `next_page_token`, `existingSecret`."""
    if not text[start : start + 1].isalpha() and text[start] < 0x80:
        start += 1  # the name's pattern has what stands before it: `<text>pass`
    before = text[max(0, start - _LONGEST_BEFORE) : start].lower()
    if before.endswith((b"_", b"-", b".", b" ")):
        before = before[:-1]
    return before.endswith(_HARMLESS_BEFORE)


def is_working_directory(name: bytes) -> bool:
    """Whether the name may be that of the directory that a program works in."""
    return _WORKING_DIRECTORY.search(name) is not None
