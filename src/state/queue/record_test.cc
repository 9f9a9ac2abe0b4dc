#include "state/queue/record.h"

#include <gtest/gtest.h>

#include "state/queue/queue_fixture.h"

namespace godwit::queue {
namespace {

using testing::address;
using testing::recipient;

Message full_message() {
  Message message;
  message.id = {0x0123'4567'89ab'cdef};
  message.reverse_path = smtp::ReversePath(address("\"john doe\"@example.org"));
  message.body_8bit = true;
  message.smtputf8 = true;
  message.envid = "QQ314159";
  message.ret = Message::Return::headers;
  message.tenant = "example.org";
  message.priority = 3;
  message.identity = "john@example.org";
  message.client = "192.0.2.7 (client.example)";
  message.session = "s-1";
  message.prefix = "Received: x\r\n";
  message.blob = {1024, 7, 4096};
  message.size = 5'000'000'000;
  message.accepted = WallTime(std::chrono::milliseconds(1'795'000'000'123));
  message.held = true;
  message.held_because = "the route says hold";
  message.crashes = 1;
  message.rows.handed_over = true;
  message.rows.due = kNever;
  Recipient rcpt = recipient("j\xc3\xbcrgen@example.net");
  rcpt.original = "all@example.net";
  rcpt.orcpt = "rfc822;all@example.net";
  rcpt.notify = {true, false, true, true, false};
  rcpt.attempts = 4;
  rcpt.probes = 2;
  rcpt.next_attempt = WallTime(std::chrono::milliseconds(1'795'000'060'000));
  rcpt.delay_notice_sent = true;
  rcpt.last = {Outcome::Kind::deferred, {4, 2, 1}, "greylisted", "mx.example.net [192.0.2.1]:25",
               "451 4.2.1 \xff later",  true,      "greylisted"};
  rcpt.last.success = Outcome::Success::expanded;
  message.recipients = {rcpt};
  return message;
}

TEST(Record, EveryField_ComesBack) {
  const Message message = full_message();
  const auto decoded = decode_record(message.id, *encode_record(message));
  ASSERT_TRUE(decoded) << decoded.error().text;
  const Message& back = decoded->message;
  EXPECT_EQ(decoded->recipients, 1u);
  EXPECT_EQ(back.id, message.id);
  EXPECT_EQ(back.reverse_path, message.reverse_path);
  EXPECT_TRUE(back.body_8bit);
  EXPECT_TRUE(back.smtputf8);
  EXPECT_EQ(back.envid, message.envid);
  EXPECT_EQ(back.ret, message.ret);
  EXPECT_EQ(back.tenant, message.tenant);
  EXPECT_EQ(back.priority, message.priority);
  EXPECT_EQ(back.identity, message.identity);
  EXPECT_EQ(back.client, message.client);
  EXPECT_EQ(back.session, message.session);
  EXPECT_EQ(back.prefix, message.prefix);
  EXPECT_EQ(back.blob, message.blob);
  EXPECT_EQ(back.size, message.size);
  EXPECT_EQ(back.accepted, message.accepted);
  EXPECT_TRUE(back.held);
  EXPECT_EQ(back.held_because, message.held_because);
  EXPECT_EQ(back.crashes, 1u);
  EXPECT_TRUE(back.rows.handed_over);
  EXPECT_EQ(back.rows.due, kNever);
  ASSERT_EQ(back.recipients.size(), 1u);
  const Recipient& rcpt = back.recipients[0];
  const Recipient& was = message.recipients[0];
  EXPECT_EQ(rcpt.address, was.address);
  EXPECT_EQ(rcpt.original, was.original);
  EXPECT_EQ(rcpt.orcpt, was.orcpt);
  EXPECT_TRUE(rcpt.notify.given && rcpt.notify.success && rcpt.notify.failure);
  EXPECT_FALSE(rcpt.notify.never || rcpt.notify.delay);
  EXPECT_EQ(rcpt.attempts, 4u);
  EXPECT_EQ(rcpt.probes, 2u);
  EXPECT_EQ(rcpt.next_attempt, was.next_attempt);
  EXPECT_TRUE(rcpt.delay_notice_sent);
  EXPECT_EQ(rcpt.last.kind, Outcome::Kind::deferred);
  EXPECT_EQ(rcpt.last.status, was.last.status);
  EXPECT_EQ(rcpt.last.text, was.last.text);
  EXPECT_EQ(rcpt.last.remote, was.last.remote);
  EXPECT_EQ(rcpt.last.remote_reply, was.last.remote_reply);
  EXPECT_TRUE(rcpt.last.site_down);
  EXPECT_EQ(rcpt.last.reply_class, "greylisted");
  EXPECT_EQ(rcpt.last.success, Outcome::Success::expanded);
}

TEST(Record, NullReversePath_StaysNull) {
  Message message = full_message();
  message.reverse_path = {};
  EXPECT_TRUE(decode_record(message.id, *encode_record(message))->message.reverse_path.is_null());
}

TEST(Record, AThousandRecipients_LieInPagesOf16) {
  Message message = full_message();
  message.recipients.assign(1'000, message.recipients[0]);
  for (std::size_t i = 0; i < 1'000; ++i) message.recipients[i].address = address("r" + std::to_string(i) + "@example.net");
  EXPECT_EQ(page_count(1'000), 63u);
  auto decoded = decode_record(message.id, *encode_record(message));
  EXPECT_EQ(decoded->recipients, 1'000u);
  EXPECT_EQ(decoded->message.recipients.size(), 16u);
  for (std::uint32_t page = 1; page < 63; ++page) ASSERT_TRUE(decode_page(*encode_page(message, page), decoded->message));
  ASSERT_EQ(decoded->message.recipients.size(), 1'000u);
  for (std::size_t i = 0; i < 1'000; ++i) EXPECT_EQ(decoded->message.recipients[i].address, message.recipients[i].address);
}

TEST(Record, LongWords_AreCutAtACharacter) {
  Message message = full_message();
  message.recipients[0].last.remote_reply = "x";
  while (message.recipients[0].last.remote_reply.size() < 60'000) message.recipients[0].last.remote_reply += "\xe2\x82\xac";
  message.recipients.assign(16, message.recipients[0]);
  const auto row = encode_record(message);
  ASSERT_TRUE(row);
  const auto decoded = decode_record(message.id, *row);
  const std::string& reply = decoded->message.recipients[0].last.remote_reply;
  EXPECT_LE(reply.size(), kMaxOutcomeText);
  EXPECT_GT(reply.size(), kMaxOutcomeText - 4);
  EXPECT_TRUE(reply.ends_with("\xe2\x82\xac"));
}

TEST(Record, LargestRecipients_FitIntoARow) {
  Message message = full_message();
  Recipient large = message.recipients[0];
  large.original.assign(254, 'o');
  large.orcpt.assign(500, 'x');
  large.last.text.assign(5'000, 't');
  large.last.remote.assign(5'000, 'm');
  large.last.remote_reply.assign(5'000, 'r');
  message.recipients.assign(40, large);
  EXPECT_TRUE(encode_record(message));
  EXPECT_TRUE(encode_page(message, 1));
}

TEST(Record, PrefixOf64KiB_IsRefused) {
  Message message = full_message();
  message.prefix.assign(64 * 1024, 'x');
  const auto row = encode_record(message);
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().cause, Error::Cause::limit);
}

TEST(Record, ForeignBytes_AreErrors) {
  const std::string row = *encode_record(full_message());
  EXPECT_FALSE(decode_record({1}, ""));
  EXPECT_FALSE(decode_record({1}, "\x02" + row.substr(1)));
  EXPECT_FALSE(decode_record({1}, row.substr(0, row.size() / 2)));
  EXPECT_FALSE(decode_due("short"));
  EXPECT_FALSE(parse_due_key("short"));
  EXPECT_FALSE(parse_row_key("123456789"));
}

TEST(Record, IndexRow_SaysMoreWhileOnlyTheAcceptHasWritten) {
  const std::string plain = encode_due({3, 4'000, true});
  EXPECT_EQ(plain.size(), 13u);
  EXPECT_FALSE(decode_due(plain)->as_accepted);
  const std::string accepted = encode_due({3, 4'000, true, store::BlobId{7, 9, 4096}});
  EXPECT_EQ(accepted.size(), 25u);
  const auto back = decode_due(accepted);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->pending, 3u);
  EXPECT_EQ(back->size, 4'000u);
  EXPECT_TRUE(back->held);
  EXPECT_EQ(back->as_accepted, (store::BlobId{7, 9, 4096}));
  EXPECT_FALSE(decode_due(accepted.substr(0, 20)));
}

TEST(Record, Keys_SortAsTheirMeaning) {
  EXPECT_LT(message_key({1}), page_key({1}, 1));
  EXPECT_LT(page_key({1}, 0xffff), message_key({2}));
  const WallTime early{std::chrono::milliseconds(5)};
  const WallTime late{std::chrono::milliseconds(6)};
  EXPECT_LT(due_key(early, {9}), due_key(late, {1}));
  EXPECT_LT(due_key(late, {9}), due_key(kNever, {0}));
  EXPECT_EQ(parse_due_key(due_key(late, {7}))->due, late);
  EXPECT_EQ(parse_due_key(due_key(late, {7}))->id, MessageId{7});
}

}  // namespace
}  // namespace godwit::queue
