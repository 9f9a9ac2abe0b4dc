#include "state/mailbox/rows.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace godwit::mailbox {
namespace {

const store::BlobId kBlob{1'029, 3, 64};

// The bytes on disk, written down: a change here strands every mailbox there is.
TEST(MailboxRows, PackedRows_KeepTheirBytes) {
  EXPECT_EQ(hex_encode(encode(Membership{5, 9, 1'000, kSeen | kDeleted})),
            "01"
            "0000000000000005"
            "0000000000000009"
            "00000000000003e8"
            "09");
  EXPECT_EQ(hex_encode(encode(Change{Change::Kind::expunged, 1, 7, 5, 2})),
            "01"
            "03"
            "00000001"
            "00000007"
            "0000000000000005"
            "0000000000000002");
  EXPECT_EQ(hex_encode(encode_delivered(7, 5)),
            "01"
            "00000007"
            "0000000000000005");
}

TEST(MailboxRows, Keys_KeepTheirBytes) {
  EXPECT_EQ(hex_encode(mailbox_key(1)), "6d00000001");
  EXPECT_EQ(hex_encode(email_key(5)), "650000000000000005");
  EXPECT_EQ(hex_encode(membership_key(1, 7)), "730000000100000007");
  EXPECT_EQ(hex_encode(by_email_key(5, 1, 7)), "6200000000000000050000000100000007");
  EXPECT_EQ(hex_encode(page_key(1, 2)), "70000000010002");
  EXPECT_EQ(hex_encode(change_key(9)), "630000000000000009");
  EXPECT_EQ(hex_encode(thread_key(9)), "740000000000000009");
  EXPECT_EQ(hex_encode(keyword_key(9)), "6b0009");
  EXPECT_EQ(hex_encode(subscription_key("ab")), "6e6162");
  EXPECT_EQ(hex_encode(recent_key(9)), "7200000009");
  EXPECT_EQ(hex_encode(details_key(9)), "640000000000000009");
  EXPECT_EQ(hex_encode(delivered_key(MessageId{258}, "a@b")),
            "0000000000000102"
            "614062");
  EXPECT_EQ(hex_encode(blob_ref_key(kBlob, 4, 5)),
            "00000405"
            "00000003"
            "00000040"
            "6d"
            "00000004"
            "0000000000000005");
}

TEST(MailboxRows, Records_ComeBack) {
  const AccountRow account{9, 5, 1, 3, 4'000};
  EXPECT_EQ(decode_account(encode(account)).value().bytes, 4'000u);
  const MailboxRow mailbox{"INBOX", 77, 8, 9, 3, 2, 4'000};
  const auto back = decode_mailbox(encode(mailbox)).value();
  EXPECT_EQ(back.name, "INBOX");
  EXPECT_EQ(back.uid_next, 8u);
  EXPECT_EQ(back.unseen, 2u);
  const EmailRow email{{"Return-Path: <>\r\n", kBlob, 1'000, WallTime(Duration(5)), 4}, 9, MessageId{258}, {7, 8}};
  const auto read = decode_email(encode(email)).value();
  EXPECT_EQ(read.email.blob, kBlob);
  EXPECT_EQ(read.email.prefix, email.email.prefix);
  EXPECT_EQ(read.message.value, 258u);
  EXPECT_EQ(read.created, 9u);
  EXPECT_EQ(read.email.thread, 4u);
  EXPECT_EQ(read.threads, (std::vector<std::uint64_t>{7, 8}));
  EXPECT_EQ(decode_release(encode(BlobRelease{kBlob, MessageId{258}})).value().blob, kBlob);
  EXPECT_TRUE(decode_delivered(encode_delivered(7, 5)).value().already);
}

TEST(MailboxRows, Membership_WithDatesAndKeywords_KeepsItsBytes) {
  Membership member{5, 9, 1'000, kSeen};
  member.dated = true;
  member.saved = WallTime(Duration(258));
  member.received = WallTime(Duration(-1));
  member.keywords = {1, 515};
  const std::string bytes = encode(member);
  EXPECT_EQ(hex_encode(bytes).substr(52), "0000000000000102ffffffffffffffff00010203");
  const auto back = decode_membership(bytes).value();
  EXPECT_TRUE(back.dated);
  EXPECT_EQ(back.saved, member.saved);
  EXPECT_EQ(back.received, member.received);
  EXPECT_EQ(back.keywords, member.keywords);
  EXPECT_FALSE(decode_membership(bytes.substr(0, 40)).has_value());
  EXPECT_FALSE(decode_membership(bytes + "x").has_value());
}

TEST(MailboxRows, Membership_OfAnEarlierRelease_IsRead) {
  const auto back = decode_membership(encode(Membership{5, 9, 1'000, kSeen})).value();
  EXPECT_FALSE(back.dated);
  EXPECT_EQ(back.size, 1'000u);
}

TEST(MailboxRows, Account_OfAnEarlierRelease_HasCountedNoTombstones) {
  const AccountRow old{9, 5, 1, 3, 4'000};
  EXPECT_FALSE(decode_account(encode(old)).value().tombstones.has_value());
  AccountRow now = old;
  now.tombstones = 0;
  EXPECT_EQ(decode_account(encode(now)).value().tombstones, 0u);
}

TEST(MailboxRows, Damage_IsRefused) {
  for (const auto* bytes : {"", "\x02", "\x01short"}) {
    SCOPED_TRACE(bytes);
    EXPECT_FALSE(decode_membership(bytes).has_value());
    EXPECT_FALSE(decode_change(bytes).has_value());
    EXPECT_FALSE(decode_delivered(bytes).has_value());
  }
  EXPECT_FALSE(decode_email("\xff").has_value());
  EXPECT_FALSE(decode_email("").has_value());
  EXPECT_FALSE(decode_change(std::string("\x01\x09") + std::string(24, '\0')).has_value());
  EXPECT_FALSE(parse_membership_key("s123").has_value());
  EXPECT_FALSE(parse_by_email_key("b").has_value());
  EXPECT_FALSE(parse_number_key("e").has_value());
  EXPECT_FALSE(parse_page_key("p").has_value());
  EXPECT_FALSE(parse_mailbox_key("m").has_value());
}

}  // namespace
}  // namespace godwit::mailbox
