"""The words around values: eighteen languages, each with its names for the kinds and a few sentences."""

from __future__ import annotations

from typing import NamedTuple

from roadworthy.guard.text.kind import Kind


class Language(NamedTuple):
    """The words of one language.

    Attributes:
        labels: What people call each kind.
        named: Sentences with a label `{l}` and a value `{v}`.
        bare: Sentences with a value alone.
        said: Sentences that give a secret: `{l}`, a mark or a verb, `{v}`.
    """

    labels: dict[Kind, tuple[str, ...]]
    named: tuple[str, ...]
    bare: tuple[str, ...]
    said: tuple[str, ...]


_ORDER = (
    Kind.EMAIL, Kind.PHONE, Kind.CARD, Kind.IP, Kind.IBAN, Kind.PASSPORT, Kind.API_KEY, Kind.PASSWORD, Kind.PRIVATE_KEY,
    Kind.URL_PASSWORD,
)  # fmt: skip


def _labels(*words: str) -> dict[Kind, tuple[str, ...]]:
    """Names of the kinds in the order of `_ORDER`, alternatives apart by a slash."""
    return {kind: tuple(each.split("/")) for kind, each in zip(_ORDER, words, strict=True)}


LANGUAGES: dict[str, Language] = {
    "en": Language(
        _labels(
            "email/e-mail address",
            "phone/phone number/mobile/Tel",
            "card number/credit card/Visa card",
            "IP/IP address",
            "IBAN/account",
            "passport/passport number/passport no.",
            "API key/access token",
            "password/passwd/passphrase",
            "private key",
            "database URL",
        ),
        (
            "My {l} is {v}, please update my account.",
            "{l}: {v}",
            "Could you check whether {l} {v} is still on file?",
            "Customer wrote: new {l} ({v}), effective today.",
        ),
        ("Please get back to me at {v} before Friday.", "I had entered {v} twice, sorry.", "see {v}."),
        ("{l}: {v}", "The {l} is {v}", "{l} = {v}"),
    ),
    "ko": Language(
        _labels(
            "이메일/메일 주소",
            "전화번호/휴대폰/연락처/핸드폰",
            "카드번호/신용카드/카드",
            "IP/아이피/접속 IP",
            "IBAN/계좌",
            "여권번호/여권",
            "API 키/액세스 토큰",
            "비밀번호/암호/패스워드",
            "개인키",
            "DB 주소",
        ),
        (
            "{l}는 {v}입니다. 수정해 주세요.",
            "{l}: {v}",
            "제 {l} {v}로 변경 부탁드려요",
            "고객 {l}({v})가 등록되어 있나요?",
            "{l} {v}인데 왜 안 되나요?",
        ),
        ("{v}으로 연락 주세요.", "어제 {v}이라고 적었는데 확인 부탁드립니다", "{v}에서 오류가 나요", "문의: {v}님"),
        ("{l}: {v}", "{l}는 {v} 입니다", "{l} = {v}"),
    ),
    "ja": Language(
        _labels(
            "メールアドレス/メール",
            "電話番号/携帯/電話",
            "カード番号/クレジットカード",
            "IPアドレス/IP",
            "IBAN/口座",
            "パスポート番号/旅券番号",
            "APIキー/アクセストークン",
            "パスワード",
            "秘密鍵",
            "データベースURL",
        ),
        ("{l}は{v}です。", "{l}：{v}", "{l}「{v}」を変更してください。"),
        ("{v}までご連絡ください。", "先ほど{v}と入力しました。"),
        ("{l}：{v}", "{l}は {v} です", "{l}: {v}"),
    ),
    "zh": Language(
        _labels(
            "邮箱/电子邮件",
            "电话/手机号/手机",
            "卡号/信用卡",
            "IP地址/IP",
            "IBAN/账号",
            "护照号/护照号码",
            "API密钥/访问令牌",
            "密码/口令",
            "私钥",
            "数据库地址",
        ),
        ("我的{l}是{v}，请更新。", "{l}：{v}", "请把{l}改为{v}，谢谢"),
        ("请联系{v}，谢谢。", "我刚才填写的是{v}。"),
        ("{l}：{v}", "{l}是 {v} 。", "{l}: {v}"),
    ),
    "de": Language(
        _labels(
            "E-Mail/E-Mail-Adresse",
            "Telefon/Telefonnummer/Handy/Tel.",
            "Kartennummer/Kreditkarte",
            "IP-Adresse/IP",
            "IBAN/Konto",
            "Reisepass/Passnummer/Reisepassnummer",
            "API-Schlüssel/Zugriffstoken",
            "Passwort/Kennwort",
            "privater Schlüssel",
            "Datenbank-URL",
        ),
        ("Meine {l} lautet {v}, bitte ändern.", "{l}: {v}", "Ist {l} {v} noch hinterlegt?"),
        ("Bitte melden Sie sich unter {v} bis Freitag.", "Ich hatte {v} angegeben."),
        ("{l}: {v}", "Das {l} ist {v}", "{l} = {v}"),
    ),
    "fr": Language(
        _labels(
            "e-mail/courriel/adresse mail",
            "téléphone/tél./portable/numéro de téléphone",
            "carte bancaire/numéro de carte",
            "adresse IP/IP",
            "IBAN/compte",
            "passeport/numéro de passeport",
            "clé API/jeton d'accès",
            "mot de passe",
            "clé privée",
            "URL de la base",
        ),
        ("Mon {l} est {v}, merci de mettre à jour.", "{l} : {v}", "Pouvez-vous vérifier {l} {v} ?"),
        ("Merci de me répondre à {v} avant vendredi.", "J'avais saisi {v}."),
        ("{l} : {v}", "{l}: {v}", "le {l} est {v}"),
    ),
    "es": Language(
        _labels(
            "correo/correo electrónico",
            "teléfono/móvil/número de teléfono",
            "tarjeta/número de tarjeta",
            "IP/dirección IP",
            "IBAN/cuenta",
            "pasaporte/número de pasaporte",
            "clave de API/token de acceso",
            "contraseña",
            "clave privada",
            "URL de la base de datos",
        ),
        ("Mi {l} es {v}, por favor actualícenlo.", "{l}: {v}", "¿Pueden comprobar {l} {v}?"),
        ("Escríbanme a {v} antes del viernes.", "Había puesto {v}."),
        ("{l}: {v}", "la {l} es {v}", "{l} = {v}"),
    ),
    "pt": Language(
        _labels(
            "e-mail/correio eletrónico",
            "telefone/telemóvel/celular",
            "cartão/número do cartão",
            "IP/endereço IP",
            "IBAN/conta",
            "passaporte/número do passaporte",
            "chave de API/token de acesso",
            "senha/palavra-passe",
            "chave privada",
            "URL do banco",
        ),
        ("O meu {l} é {v}, por favor atualize.", "{l}: {v}", "Podem verificar {l} {v}?"),
        ("Respondam para {v} até sexta.", "Eu tinha digitado {v}."),
        ("{l}: {v}", "a {l} é {v}", "{l} = {v}"),
    ),
    "it": Language(
        _labels(
            "e-mail/posta elettronica",
            "telefono/cellulare/numero di telefono",
            "carta di credito/numero di carta",
            "indirizzo IP/IP",
            "IBAN/conto",
            "passaporto/numero di passaporto",
            "chiave API/token di accesso",
            "password/parola d'ordine",
            "chiave privata",
            "URL del database",
        ),
        ("Il mio {l} è {v}, vi prego di aggiornarlo.", "{l}: {v}", "Potete controllare {l} {v}?"),
        ("Rispondetemi a {v} entro venerdì.", "Avevo scritto {v}."),
        ("{l}: {v}", "la {l} è {v}", "{l} = {v}"),
    ),
    "nl": Language(
        _labels(
            "e-mail/e-mailadres",
            "telefoon/telefoonnummer/mobiel",
            "kaartnummer/creditcard",
            "IP-adres/IP",
            "IBAN/rekening",
            "paspoort/paspoortnummer",
            "API-sleutel/toegangstoken",
            "wachtwoord",
            "privésleutel",
            "database-URL",
        ),
        ("Mijn {l} is {v}, graag bijwerken.", "{l}: {v}", "Klopt {l} {v} nog?"),
        ("Neem contact op via {v} voor vrijdag.", "Ik had {v} ingevuld."),
        ("{l}: {v}", "het {l} is {v}", "{l} = {v}"),
    ),
    "pl": Language(
        _labels(
            "e-mail/adres e-mail",
            "telefon/numer telefonu/tel.",
            "karta/numer karty",
            "adres IP/IP",
            "IBAN/konto",
            "paszport/numer paszportu",
            "klucz API/token dostępu",
            "hasło",
            "klucz prywatny",
            "adres bazy danych",
        ),
        ("Mój {l} to {v}, proszę zaktualizować.", "{l}: {v}", "Czy {l} {v} jest aktualny?"),
        ("Proszę o kontakt: {v} do piątku.", "Wpisałem {v}."),
        ("{l}: {v}", "{l} to {v}", "{l} = {v}"),
    ),
    "ru": Language(
        _labels(
            "почта/электронная почта",
            "телефон/номер телефона/тел.",
            "карта/номер карты",
            "IP-адрес/IP",
            "IBAN/счёт",
            "паспорт/номер паспорта",
            "ключ API/токен доступа",
            "пароль",
            "закрытый ключ",
            "адрес базы данных",
        ),
        ("Мой {l} {v}, пожалуйста, обновите.", "{l}: {v}", "Проверьте, {l} {v} ещё указан?"),
        ("Напишите мне на {v} до пятницы.", "Я указал {v}."),
        ("{l}: {v}", "{l} - {v}", "{l} = {v}"),
    ),
    "tr": Language(
        _labels(
            "e-posta/e-posta adresi",
            "telefon/telefon numarası/cep",
            "kart numarası/kredi kartı",
            "IP adresi/IP",
            "IBAN/hesap",
            "pasaport/pasaport numarası",
            "API anahtarı/erişim belirteci",
            "şifre/parola",
            "özel anahtar",
            "veritabanı adresi",
        ),
        ("Benim {l} {v}, lütfen güncelleyin.", "{l}: {v}", "{l} {v} hâlâ kayıtlı mı?"),
        ("Bana {v} üzerinden ulaşın.", "Az önce {v} yazdım."),
        ("{l}: {v}", "{l} = {v}"),
    ),
    "ar": Language(
        _labels(
            "البريد الإلكتروني/البريد",
            "الهاتف/رقم الهاتف/الجوال",
            "رقم البطاقة/بطاقة الائتمان",
            "عنوان IP",
            "IBAN/الحساب",
            "جواز السفر/رقم جواز السفر",
            "مفتاح API/رمز الوصول",
            "كلمة المرور/كلمة السر",
            "المفتاح الخاص",
            "عنوان قاعدة البيانات",
        ),
        ("{l} هو {v} يرجى التحديث.", "{l}: {v}", "هل {l} {v} مسجل؟"),
        ("يرجى الرد على {v} قبل الجمعة.", "كتبت {v} سابقا."),
        ("{l}: {v}", "{l} = {v}", "{l} هي {v}"),
    ),
    "hi": Language(
        _labels(
            "ईमेल",
            "फ़ोन/मोबाइल/फ़ोन नंबर",
            "कार्ड नंबर/क्रेडिट कार्ड",
            "IP पता/IP",
            "IBAN/खाता",
            "पासपोर्ट/पासपोर्ट नंबर",
            "API कुंजी/एक्सेस टोकन",
            "पासवर्ड",
            "निजी कुंजी",
            "डेटाबेस URL",
        ),
        ("मेरा {l} {v} है, कृपया अपडेट करें।", "{l}: {v}", "क्या {l} {v} सही है?"),
        ("कृपया {v} पर संपर्क करें।", "मैंने {v} लिखा था।"),
        ("{l}: {v}", "{l} = {v}"),
    ),
    "vi": Language(
        _labels(
            "email/thư điện tử",
            "điện thoại/số điện thoại/di động",
            "số thẻ/thẻ tín dụng",
            "địa chỉ IP/IP",
            "IBAN/tài khoản",
            "hộ chiếu/số hộ chiếu",
            "khóa API/mã truy cập",
            "mật khẩu",
            "khóa riêng",
            "địa chỉ cơ sở dữ liệu",
        ),
        ("{l} của tôi là {v}, vui lòng cập nhật.", "{l}: {v}", "Kiểm tra giúp {l} {v} nhé"),
        ("Vui lòng liên hệ {v} trước thứ Sáu.", "Tôi đã nhập {v}."),
        ("{l}: {v}", "{l} là {v}", "{l} = {v}"),
    ),
    "id": Language(
        _labels(
            "email/surel",
            "telepon/nomor telepon/HP/ponsel",
            "nomor kartu/kartu kredit",
            "alamat IP/IP",
            "IBAN/rekening",
            "paspor/nomor paspor",
            "kunci API/token akses",
            "kata sandi/sandi",
            "kunci privat",
            "URL basis data",
        ),
        ("{l} saya {v}, mohon diperbarui.", "{l}: {v}", "Tolong cek {l} {v} ya"),
        ("Hubungi saya di {v} sebelum Jumat.", "Saya tadi menulis {v}."),
        ("{l}: {v}", "{l} adalah {v}", "{l} = {v}"),
    ),
    "th": Language(
        _labels(
            "อีเมล",
            "โทรศัพท์/เบอร์โทร/มือถือ",
            "หมายเลขบัตร/บัตรเครดิต",
            "ที่อยู่ IP/IP",
            "IBAN/บัญชี",
            "หนังสือเดินทาง/พาสปอร์ต/เลขที่หนังสือเดินทาง",
            "คีย์ API/โทเค็น",
            "รหัสผ่าน",
            "คีย์ส่วนตัว",
            "ที่อยู่ฐานข้อมูล",
        ),
        ("{l}ของฉันคือ {v} กรุณาแก้ไข", "{l}: {v}", "ช่วยตรวจสอบ{l} {v} หน่อย"),
        ("กรุณาติดต่อ {v} ก่อนวันศุกร์", "ฉันกรอก {v} ไปแล้ว"),
        ("{l}: {v}", "{l}คือ {v}", "{l} = {v}"),
    ),
    "sv": Language(
        _labels(
            "e-post/e-postadress",
            "telefon/telefonnummer/mobil",
            "kortnummer/kreditkort",
            "IP-adress/IP",
            "IBAN/konto",
            "passnummer/pass nr",
            "API-nyckel/åtkomsttoken",
            "lösenord",
            "privat nyckel",
            "databas-URL",
        ),
        ("Mitt {l} är {v}, uppdatera gärna.", "{l}: {v}", "Stämmer {l} {v} fortfarande?"),
        ("Kontakta mig på {v} före fredag.", "Jag skrev {v}."),
        ("{l}: {v}", "{l} är {v}", "{l} = {v}"),
    ),
}
"""By ISO 639-1 code."""

KOREAN_OR_ENGLISH: dict[Kind, dict[str, tuple[str, ...]]] = {
    Kind.SSN: {
        "ko": ("미국 SSN", "사회보장번호"),
        "es": ("número de seguro social",),
        "en": ("SSN", "social security number"),
    },
    Kind.RRN: {"ko": ("주민등록번호", "주민번호", "외국인등록번호"), "en": ("resident registration number", "RRN")},
    Kind.BRN: {"ko": ("사업자등록번호", "사업자번호"), "en": ("business registration number", "BRN")},
}
"""Names of kinds that not every language has."""

PARTICLES = (
    "으로",
    "로",
    "이고",
    "인데",
    "입니다",
    "를",
    "을",
    "은",
    "는",
    "에서",
    "까지",
    "이",
    "가",
    "라고",
    "이라고",
    "의",
    "에게",
    "님",
    "도",
)
"""Korean particles, written right behind a word."""

NOTES: dict[str, tuple[str, ...]] = {
    "en": ("order done", "please check"),
    "ko": ("주문 완료", "확인 필요"),
    "ja": ("注文済み", "要確認"),
    "zh": ("订单完成", "待确认"),
    "de": ("Bestellung fertig", "bitte prüfen"),
    "fr": ("commande terminée", "à vérifier"),
    "es": ("pedido listo", "por revisar"),
    "pt": ("pedido pronto", "a verificar"),
    "it": ("ordine pronto", "da verificare"),
    "nl": ("bestelling klaar", "nog controleren"),
    "pl": ("zamówienie gotowe", "do sprawdzenia"),
    "ru": ("заказ готов", "проверить"),
    "tr": ("sipariş hazır", "kontrol et"),
    "ar": ("الطلب جاهز", "يرجى التحقق"),
    "hi": ("ऑर्डर पूरा", "जाँच करें"),
    "vi": ("đơn hàng xong", "cần kiểm tra"),
    "id": ("pesanan selesai", "perlu dicek"),
    "th": ("คำสั่งซื้อเสร็จ", "ตรวจสอบ"),
    "sv": ("order klar", "kontrollera"),
}
"""A few words to stand beside a value."""
