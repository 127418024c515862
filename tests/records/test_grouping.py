"""Which values belong to whom, and in which role: by titles, notes, lists, lines and order."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import MARK

Records = Callable[[str], list[dict[str, Any]]]
# Marked texts: {1N:...} is a name of the first record; the roles are those of the records in order.
ROLES = {"s": "sender", "r": "recipient", "d": "driver", "-": None}
TITLES = [
    ("寄件人：{1N:张伟} {1P:13800138000} 收件人：{2N:李娜} {2P:13900139000} {2A:北京市海淀区}", "sr"),
    ("收件人：{1N:张伟}\n收件人电话：{1P:13800138000}\n收件地址：{1A:上海市}\n寄件人：{2N:李娜}", "rs"),
    ("收件人：{1N:李娜} 寄件人：{2N:张伟} 收件人电话：{1P:13900139000} 寄件人电话：{2P:13800138000}", "rs"),
    ("收件地址：{1A:北京市} 收件人：{1N:李娜} 收件地址：{2A:上海市} 收件人：{2N:张伟}", "rr"),
    ("{1P:13900139000} 收件人：{1N:李娜} {1A:北京市}", "r"),
    ("From {1N:Anna Schmidt} ({1P:030 12345678}) to {2N:Bob Jones} ({2P:+44 7911 123456})", "sr"),
    ("Sender: {1P:030 12345678}. Recipient: {2N:Bob Jones}", "sr"),
    ("To: {1N:Anna Schmidt}, {1A:5 High St, London}, lives next to {2N:Bo Ek}", "rr"),
    ("El número de {1N:Ximena} es {1P:612 345 678}, y el fijo {1P:912 345 678}", "-"),
    ("De: {1N:Ximena Paz} {1P:612 345 678} A: {2N:Luis Paz}", "sr"),
    ("{1N:Bo Ek} wants to know: {1P:030 12345678}", "-"),
    ("Empfänger: {1N:Max Müller}\nTel: {1P:0171 2345678}\nAbsender: {2N:Eva Klein}\n{2P:030 901820}", "rs"),
    ("An: Frau {1N:Schmidt}, {1A:Kantstr. 7, Berlin}\nVon: {2N:Jan Braun}, {2P:0221 123456}", "rs"),
    ("Expéditeur : {1N:Luc Martin}, {1P:06 12 34 56 78}\nDestinataire : {2N:Zoé Petit}", "sr"),
    ("Remitente: {1N:Ana Gil} {1P:612 345 678}, destinatario: {2N:Luis Paz} {2A:Calle Mayor 5}", "sr"),
    ("Mittente {1N:Luca Rossi} {1P:347 123 4567}, destinatario {2N:Giulia Bianchi}, {2A:Via Roma 1}", "sr"),
    (
        "Remetente: {1N:João Silva} {1P:21 98765-4321}; Destinatário: {2N:Ana Souza} {2A:Rua Augusta 100}",
        "sr",
    ),
    ("Afzender: {1N:Jan Smit} {1P:06 12345678}, ontvanger: {2N:Eva Bos}", "sr"),
    ("Nadawca: {1N:Jan Kot} {1P:601 234 567}, odbiorca: {2N:Ewa Lis}", "sr"),
    ("Gönderen: {1N:Ali Kaya} {1P:0532 123 45 67} Alıcı: {2N:Ayşe Demir}", "sr"),
    ("Получатель: {1N:Иван Петров}, {1P:8 916 203-44-18}; отправитель: {2N:Анна Смирнова}", "rs"),
    ("받는 분: {1N:김민수} {1P:010-1234-5678} 보내는 분: {2N:이영희} {2P:010-9876-5432}", "rs"),
    ("お届け先：{1N:宮下琴音} {1P:090-6612-3048} ご依頼主：{2N:田中太郎}", "rs"),
    ("المرسل: {1N:أحمد علي} {1P:0501234567} المستلم: {2N:سارة محمد} {2A:الرياض}", "sr"),
    ("ผู้ส่ง {1N:สมชาย ใจดี} {1P:081-234-5678} ผู้รับ {2N:มาลี สุขใจ} {2A:กรุงเทพมหานคร}", "sr"),
    ("Người gửi: {1N:Nguyễn Văn An}, {1P:0901234567}; Người nhận: {2N:Trần Thị Bình}", "sr"),
    ("快递员{1N:王师傅} {1P:13700137000} 已把包裹交给{2N:李娜}", "dr"),
]
NOTES = [
    ("{1A:上海市}，{1N:张伟}寄，{2A:北京市}，{2N:李娜}收，{2P:13900139000}", "sr"),
    ("{1N:李娜}（收件人）{1P:13900139000}，{2N:张伟}（寄件人）{2P:13800138000}", "rs"),
    ("{1A:東京都渋谷区1-2-3} {1N:宮下琴音}様宛 {1P:090-6612-3048} {2N:田中太郎}より", "rs"),
    ("{1N:Bo Ek} (from {1A:Berlin}) {1P:030 12345678}", "-"),
]
LISTS = [
    ("{1N:张伟}、{2N:李娜} {12P:13800138000} {12A:北京市}", "--"),
    ("{1N:张伟}/{2N:李娜}：{1P:13800138000}/{2P:13900139000}", "--"),
    ("{1N:张伟} {1P:13800138000} / {1P:0755-26710000}", "-"),
    ("Parcel for {1N:Ann Lee} and {2N:Bo Ek}, {12A:5 High St}", "rr"),
    ("{1N:张伟}的电话是{1P:13800138000}，备用{1P:13900139000}。{2N:李娜}：{2P:13700137000}", "--"),
]
ORDER = [
    ("{1N:张伟} {1P:13800138000} {1A:上海市}\n{2N:李娜} {2P:13900139000} {2A:北京市}", "--"),
    ("{1P:13800138000} {1N:张伟} {2P:13900139000} {2N:李娜}", "--"),
    ("{1A:上海市}{1N:张伟}{1P:13800138000}{2A:北京市}{2N:李娜}{2P:13900139000}", "--"),
    ("{1N:张伟}{1P:13800138000}{2N:李娜}{2P:13900139000}{2A:北京市}", "--"),
    ("{1N:张伟}，{1P:13800138000}，{1A:上海市}，{2N:李娜}，{2P:13900139000}，{2A:北京市}", "--"),
    ("1、{1P:13800138000} {1N:张伟} 2、{2P:13900139000} {2N:李娜}", "--"),
    ("姓名：{1N:张伟}\n电话：{1P:13800138000}\n\n姓名：{2N:李娜}\n电话：{2P:13900139000}", "--"),
    ("{1P:13800138000} {1A:上海市}；{2N:李娜} {2P:13900139000} {2A:北京市}", "--"),
    ("寄给{1N:张伟} {1P:13800138000} {1A:上海市} 和{2N:李娜} {2P:13900139000} {2A:北京市}", "rr"),
    ("{1N:张伟} {1P:13800138000}。" + "其余的话都与人无关，" * 12 + "{2P:13900139000}", "--"),
    ("{1N:张伟} {1P:13800138000}；{1N:张伟}收", "r"),
]
COURIERS = [
    ("发{12C:顺丰}：{1N:张伟} {1P:13800138000}；{2N:李娜} {2P:13900139000}", "--"),
    ("{1N:张伟} {1P:13800138000} 走{1C:顺丰}\n{2N:李娜} {2P:13900139000} 走{2C:中通快递}", "--"),
    ("寄件人{1N:张伟} {1P:13800138000} {12C:顺丰} 收件人{2N:李娜} {2P:13900139000}", "sr"),
    ("{1C:顺丰}", "-"),
]


@pytest.mark.parametrize(("marked", "roles"), TITLES + NOTES + LISTS + ORDER + COURIERS)
def test_values_belong_to_their_person(records: Records, marked: str, roles: str) -> None:
    expected: list[set[str]] = [set() for _ in roles]
    for numbers, _, text in MARK.findall(marked):
        for number in numbers:
            expected[int(number) - 1].add(text)
    found = [
        (
            {value["text"] for field, values in each.items() if field != "role" for value in values},
            each["role"],
        )
        for each in records(marked)
    ]
    assert found == list(zip(expected, [ROLES[role] for role in roles], strict=True))


def test_a_long_document_is_grouped_in_linear_time(records: Records) -> None:
    # Every segmentation of 300 entities would take for ever.
    found = records("；".join(f"{{N:张伟}}{i} {{P:1380013{i:04}}}" for i in range(150)))
    assert sum(len(each["phone"]) for each in found) == 150
