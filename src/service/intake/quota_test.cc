// Mail for accounts that are full.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/mailbox/mailbox.h"
#include "testing/mail_world.h"

namespace godwit::intake {
namespace {

using ::testing::StartsWith;

class IntakeQuotaTest : public ::testing::Test {
 protected:
  IntakeQuotaTest() {
    GODWIT_CHECK(world.add_domain("example.org").has_value());
    full = world.add_account("full@example.org", "secret")->id;
    GODWIT_CHECK(world.add_account("free@example.org", "secret").has_value());
    GODWIT_CHECK(world.loop.run(mailboxes.open_account(full)).has_value());
    keep(std::string(100, 'x'));
    world.settings.quota = {150, 0};
    world.mailboxes = &mailboxes;
    world.start();
    mx.helo = "client.test";
  }

  void keep(std::string body) {
    std::vector<mailbox::NewMessage> one(1);
    one[0].email.blob_size = body.size();
    one[0].email.blob = world.loop.run(write(world.blobs, directory::partition_of(full), std::move(body))).value();
    GODWIT_CHECK(world.loop.run(mailboxes.append(full, mailbox::kInbox, std::move(one), {})).has_value());
  }
  static Task<Result<store::BlobId>> write(store::Blobs& blobs, store::Partition partition, std::string body) {
    const auto writer = blobs.begin(partition, 0);
    GODWIT_CO_TRY(co_await writer->append(body));
    co_return co_await writer->finish();
  }
  static smtp::Address address(std::string_view text) { return smtp::parse_address(text).value(); }
  std::string rcpt(const Source& source, std::string_view to, std::optional<std::uint64_t> size = std::nullopt) {
    MailParameters parameters;
    parameters.size = size;
    auto begun = world.loop.run(world.intake->begin(source, std::move(parameters)));
    GODWIT_CHECK(begun.has_value());
    return world.loop.run((*begun)->add_recipient(address(to), queue::Notify(), "")).one_line();
  }

  testing::MailWorld world;
  mailbox::Mailboxes mailboxes{world.engine, world.blobs, world.loop.clock(), world.random};
  directory::AccountId full = 0;
  Source mx;
};

constexpr std::string_view kFull = "452 4.2.2 The mailbox of full@example.org is full; try again later";

TEST_F(IntakeQuotaTest, DeclaredSize_Counts) {
  EXPECT_THAT(rcpt(mx, "full@example.org", 50), StartsWith("250"));
  EXPECT_EQ(rcpt(mx, "full@example.org", 51), kFull);
  EXPECT_THAT(rcpt(mx, "free@example.org", 51), StartsWith("250"));
}

TEST_F(IntakeQuotaTest, WithoutSize_WhatIsThereCounts) {
  EXPECT_THAT(rcpt(mx, "full@example.org"), StartsWith("250"));
  keep(std::string(51, 'x'));
  EXPECT_EQ(rcpt(mx, "full@example.org"), kFull);
  EXPECT_THAT(rcpt(mx, "full+tag@example.org"), StartsWith("452 4.2.2"));
}

TEST_F(IntakeQuotaTest, Messages_Count) {
  world.settings.quota = {0, 2};
  EXPECT_THAT(rcpt(mx, "full@example.org", 1'000'000), StartsWith("250"));
  keep("x");
  EXPECT_EQ(rcpt(mx, "full@example.org"), kFull);
}

TEST_F(IntakeQuotaTest, Alias_IsFullWhenAllBehindItAre) {
  ASSERT_TRUE(world.add_alias("one@example.org", {"full@example.org"}).has_value());
  ASSERT_TRUE(world.add_alias("both@example.org", {"full@example.org", "free@example.org"}).has_value());
  EXPECT_EQ(rcpt(mx, "one@example.org", 51), "452 4.2.2 The mailbox of one@example.org is full; try again later");
  EXPECT_THAT(rcpt(mx, "both@example.org", 51), StartsWith("250"));
}

// A bounce that is refused is lost, and so is the mail of a program that does not try again.
TEST_F(IntakeQuotaTest, MailOfThisMachine_IsNeverTooMuch) {
  Source own;
  own.door = Source::Door::local;
  EXPECT_THAT(rcpt(own, "full@example.org", 1'000), StartsWith("250"));
  own.uid = 1'000;
  EXPECT_THAT(rcpt(own, "full@example.org", 1'000), StartsWith("250"));
}

// RFC 5321 4.5.1
TEST_F(IntakeQuotaTest, Postmaster_IsReached) {
  ASSERT_TRUE(world.add_alias("postmaster@example.org", {"full@example.org"}).has_value());
  ASSERT_TRUE(world.add_alias("abuse@example.org", {"full@example.org"}).has_value());
  EXPECT_THAT(rcpt(mx, "PostMaster@example.org", 1'000), StartsWith("250"));
  EXPECT_THAT(rcpt(mx, "abuse@example.org", 1'000), StartsWith("250"));
}

TEST_F(IntakeQuotaTest, NoQuota_NobodyIsAsked) {
  world.settings.quota = {};
  EXPECT_THAT(rcpt(mx, "full@example.org", 1'000'000), StartsWith("250"));
}

TEST_F(IntakeQuotaTest, ElsewhereIsNotOurs) {
  ASSERT_TRUE(world.add_route({"elsewhere.test", {"smtp://127.0.0.1:2600"}}).has_value());
  mx.may_relay = true;
  EXPECT_THAT(rcpt(mx, "full@elsewhere.test", 1'000'000), StartsWith("250"));
}

}  // namespace
}  // namespace godwit::intake
