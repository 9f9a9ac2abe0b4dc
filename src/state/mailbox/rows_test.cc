#include "state/mailbox/rows.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace godwit::mailbox {
namespace {

const store::BlobId kBlob{1'029, 3, 64};

// The bytes on disk, written down: a change here strands every mailbox there is.
TEST(MailboxRows, PackedRows_KeepTheirBytes) {
  EXPECT_EQ(hex_encode(encode(ChangedRow{1, {{7, 9}, {300, 300}}})), "02010702a30200");
  EXPECT_EQ(hex_encode(encode(ExpungedRow{1, {{7, 5, 2}, {9, 4, 2}}})), "02010e0a04040100");
  EXPECT_EQ(hex_encode(encode(GoneRow{1, {{5, 7}, {6, 3}}})), "02010a0e0207");
  EXPECT_EQ(hex_encode(encode_delivered(7, 5)),
            "01"
            "00000007"
            "0000000000000005");
}

TEST(MailboxRows, Keys_KeepTheirBytes) {
  EXPECT_EQ(hex_encode(mailbox_key(1)), "6d00000001");
  EXPECT_EQ(hex_encode(email_key(5)), "650000000000000005");
  EXPECT_EQ(hex_encode(messages_key(1, 7)), "670000000100000007");
  EXPECT_EQ(hex_encode(by_email_key(5, 1, 7)), "6200000000000000050000000100000007");
  EXPECT_EQ(hex_encode(page_key(1, 2)), "70000000010002");
  EXPECT_EQ(hex_encode(changed_key(9)), "630000000000000009");
  EXPECT_EQ(hex_encode(expunged_key(9)), "780000000000000009");
  EXPECT_EQ(hex_encode(orphans_key(9)), "6f0000000000000009");
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

TEST(MailboxRows, Log_ComesBack) {
  const auto changed = decode_changed(encode(ChangedRow{9, {{1, 1}, {3, UINT32_MAX}}})).value();
  EXPECT_EQ(changed.mailbox, 9u);
  EXPECT_EQ(changed.uids, (std::vector<UidRange>{{1, 1}, {3, UINT32_MAX}}));
  const std::vector<Tombstone> gone{{9, 1ull << 60, 3}, {4, 1, UINT64_MAX}};
  EXPECT_EQ(decode_expunged(encode(ExpungedRow{1, gone})).value().messages, gone);
  const std::vector<Gone> orphans{{1, 9}, {1, 12}, {77, 3}};
  EXPECT_EQ(decode_gone(encode(GoneRow{1, orphans})).value().messages, orphans);
}

TEST(MailboxRows, Damage_IsRefused) {
  for (const auto* bytes : {"", "\x02", "\x01short"}) {
    SCOPED_TRACE(bytes);
    EXPECT_FALSE(decode_delivered(bytes).has_value());
  }
  EXPECT_FALSE(decode_email("\xff").has_value());
  EXPECT_FALSE(decode_email("").has_value());
  for (const auto* bytes : {"", "\x01", "\x02", "\x02\x01\x80", "\x02\x01\x07"}) {
    SCOPED_TRACE(bytes);
    EXPECT_FALSE(decode_changed(bytes).has_value());
    EXPECT_FALSE(decode_expunged(bytes).has_value());
    EXPECT_FALSE(decode_gone(bytes).has_value());
  }
  EXPECT_FALSE(parse_messages_key("g123").has_value());
  EXPECT_FALSE(parse_by_email_key("b").has_value());
  EXPECT_FALSE(parse_number_key("e").has_value());
  EXPECT_FALSE(parse_page_key("p").has_value());
  EXPECT_FALSE(parse_mailbox_key("m").has_value());
}

}  // namespace
}  // namespace godwit::mailbox
