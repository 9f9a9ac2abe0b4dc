#include "state/mailbox/details.h"

#include "state/mailbox/mailbox_fixture.h"
#include "state/mailbox/message_bytes.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;

constexpr std::uint8_t kAll = Details::kEnvelope | Details::kStructure | Details::kPreview | Details::kReferences;

class DetailsTest : public MailboxFixture {
 protected:
  EmailId add(std::string body) { return settle(kAnna, queued(std::move(body))).email; }
  std::vector<Result<Details>> details(std::vector<EmailId> ids, std::uint8_t want = kAll) {
    return loop_.run(mailboxes_->details(kAnna, std::move(ids), want)).value();
  }
  std::optional<std::string> row(EmailId id) {
    const auto found = loop_.run(engine_.get(directory::partition_of(kAnna), Keyspace::mailbox, details_key(id))).value();
    return found ? std::optional(found->value) : std::nullopt;
  }
  void put_row(EmailId id, std::string value) { put(directory::partition_of(kAnna), Keyspace::mailbox, details_key(id), std::move(value)); }
};

std::string message(std::string_view subject) {
  return "Subject: " + std::string(subject) + "\r\nReferences: <1@a> <2@b>\r\n\r\nHello\r\nyou\r\n";
}

TEST_F(DetailsTest, FirstTime_TheyAreWorkedOutAndKept) {
  const auto id = add(message("x"));
  EXPECT_FALSE(row(id).has_value());
  for (int i = 0; i < 2; ++i) {
    const auto got = details({id});
    ASSERT_TRUE(got.at(0).has_value());
    EXPECT_EQ(got[0]->envelope.subject, "x");
    EXPECT_EQ(got[0]->preview, "Hello you");
    EXPECT_THAT(got[0]->references, ElementsAre("1@a", "2@b"));
    ASSERT_EQ(got[0]->structure.parts.size(), 1u);
    EXPECT_FALSE(got[0]->structure.parts[0].envelope.has_value());
    // the prefix is of the message
    EXPECT_EQ(got[0]->structure.size, std::string("Return-Path: <>\r\n").size() + message("x").size());
    EXPECT_TRUE(row(id).has_value());
  }
  EXPECT_TRUE(verify().empty());
}

TEST_F(DetailsTest, OnceKept_NoByteIsRead) {
  const auto mail = queued(message("x"));
  const auto id = settle(kAnna, mail).email;
  details({id}, Details::kEnvelope);
  blobs_.damage_blob(mail.blob);
  const auto got = details({id}, Details::kEnvelope | Details::kPreview);
  ASSERT_TRUE(got[0].has_value());
  EXPECT_EQ(got[0]->envelope.subject, "x");
  EXPECT_EQ(got[0]->preview, "Hello you");
  EXPECT_TRUE(got[0]->structure.parts.empty());
}

TEST_F(DetailsTest, WantedParts_AloneAreThereTheFirstTimeToo) {
  const auto got = details({add(message("x"))}, Details::kStructure);
  EXPECT_FALSE(got[0]->envelope.subject.has_value());
  EXPECT_TRUE(got[0]->preview.empty());
  EXPECT_TRUE(got[0]->references.empty());
  EXPECT_EQ(got[0]->structure.parts.size(), 1u);
}

TEST_F(DetailsTest, ManyIds_AnyOrderAndDoubles) {
  std::vector<EmailId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(add(message(std::to_string(i))));
  details({ids[3], ids[20]});
  details({ids[30]});
  const std::vector<EmailId> wanted{ids[39], ids[3], ids[3], ids[0], 999'999, ids[20], ids[21], ids[0]};
  const auto got = details(wanted);
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    SCOPED_TRACE(i);
    if (wanted[i] == 999'999) {
      EXPECT_EQ(got[i].error().cause, Error::Cause::not_found);
      continue;
    }
    const auto place = std::ranges::find(ids, wanted[i]) - ids.begin();
    EXPECT_EQ(got[i]->envelope.subject, std::to_string(place));
  }
  const auto all = details(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(all[i]->envelope.subject, std::to_string(i));
  for (const auto id : ids) EXPECT_TRUE(row(id).has_value());
  EXPECT_TRUE(details({}).empty());
}

TEST_F(DetailsTest, BytesThatCannotBeRead_FailAlone) {
  const auto one = add(message("one"));
  const auto bad = queued(message("bad"));
  const auto two = settle(kAnna, bad).email;
  const auto three = add(message("three"));
  blobs_.damage_blob(bad.blob);
  const auto got = details({one, two, three});
  EXPECT_TRUE(got[0].has_value());
  EXPECT_EQ(got[1].error().cause, Error::Cause::corrupt);
  EXPECT_TRUE(got[2].has_value());
  EXPECT_FALSE(row(two).has_value());
}

TEST_F(DetailsTest, ADamagedRow_IsMadeAnew) {
  const auto one = add(message("one"));
  const auto two = add(message("two"));
  put_row(one, "\xff\xff");
  put_row(two, "\x08\x63");  // of another release
  const auto got = details({one, two});
  EXPECT_EQ(got[0]->envelope.subject, "one");
  EXPECT_EQ(got[1]->envelope.subject, "two");
  EXPECT_NE(row(one), "\xff\xff");
  EXPECT_EQ(decode_details(*row(two), Details::kEnvelope)->envelope.subject, "two");
}

TEST_F(DetailsTest, TooMuch_IsNotKept) {
  std::string body = "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 10'000; ++i) body += "--b\r\n\r\nx\r\n";
  const auto parts = add(body);
  std::string many = "Subject: y\r\nTo: ";
  for (int i = 0; i < 3'000; ++i) many += "a" + std::to_string(i) + "@example.org,\r\n ";
  const auto addresses = add(many + "z@z.test\r\n\r\n");
  const auto got = details({parts, addresses});
  EXPECT_EQ(got[0]->structure.parts.size(), 10'001u);
  EXPECT_EQ(got[1]->envelope.to.size(), 3'001u);
  EXPECT_FALSE(row(parts).has_value());
  EXPECT_FALSE(row(addresses).has_value());
}

TEST_F(DetailsTest, ManyLargeRows_AreSeveralBatches) {
  std::vector<EmailId> ids;
  const std::string padding(30'000, 'p');
  for (int i = 0; i < 40; ++i) ids.push_back(add("Subject: " + std::to_string(i) + "\r\nMessage-ID: " + padding + "\r\n\r\n"));
  details(ids);
  for (const auto id : ids) EXPECT_TRUE(row(id).has_value());
}

TEST_F(DetailsTest, AFullDisk_CostsNothingButTheKeeping) {
  const auto id = add(message("x"));
  engine_.set_full(true);
  EXPECT_TRUE(details({id})[0].has_value());
  engine_.set_full(false);
  EXPECT_FALSE(row(id).has_value());
}

TEST_F(DetailsTest, ALongHeader_IsReadToItsEnd) {
  std::string body = "Subject: x\r\n";
  for (int i = 0; i < 3'000; ++i) body += "X-Filler-" + std::to_string(i) + ": " + std::string(40, 'f') + "\r\n";
  const auto id = add(body + "References: <late@a>\r\n\r\nfar away\r\n");
  const auto got = details({id});
  EXPECT_THAT(got[0]->references, ElementsAre("late@a"));
  EXPECT_EQ(got[0]->preview, "far away");
}

TEST_F(DetailsTest, TheEmailsEnd_IsTheirs) {
  const auto id = add(message("x"));
  details({id});
  ASSERT_TRUE(row(id).has_value());
  ASSERT_EQ(expunge(uids()).value(), 1u);
  EXPECT_FALSE(row(id).has_value());
  EXPECT_EQ(details({id})[0].error().cause, Error::Cause::not_found);
  EXPECT_TRUE(verify().empty());
}

TEST_F(DetailsTest, ARemovedAccount_HasNone) {
  const auto id = add(message("x"));
  remove_account(kAnna);
  EXPECT_EQ(loop_.run(mailboxes_->details(kAnna, {id}, kAll)).error().cause, Error::Cause::not_found);
}

TEST_F(DetailsTest, AnEmptyMessage_HasDetails) {
  const auto got = details({add("")});
  ASSERT_TRUE(got[0].has_value());
  EXPECT_EQ(got[0]->structure.parts.size(), 1u);
}

}  // namespace
}  // namespace godwit::mailbox
