// /v1/mailboxes: what is made, renamed, deleted and shown, and each sentence that refuses.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

#include "frontend/adminapi/control_fixture.h"
#include "state/mailbox/rows.h"

namespace godwit::adminapi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class MailboxesResource : public ControlTest {
 protected:
  MailboxesResource() { GODWIT_CHECK(world.add_domain("example.org").has_value() && world.add_account(kBob, kPassword).has_value()); }

  http::Response create(const std::string& name, const std::string& use = "") {
    boost::json::object body{{"name", name}};
    if (!use.empty()) body["special_use"] = use;
    return ask("POST", kPath, boost::json::serialize(body));
  }
  http::Response rename(const std::string& from, const std::string& to) {
    return ask("PUT", kPath, boost::json::serialize(boost::json::object{{"from", from}, {"to", to}}));
  }
  http::Response remove(const std::string& name) {
    return ask("DELETE", kPath, boost::json::serialize(boost::json::object{{"name", name}}));
  }
  boost::json::array listed() { return parsed(ask("GET", kPath)).at("mailboxes").as_array(); }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& each : listed()) all.emplace_back(each.as_object().at("name").as_string());
    return all;
  }
  boost::json::object one(std::string_view name) {
    for (const auto& each : listed())
      if (each.as_object().at("name").as_string() == name) return each.as_object();
    ADD_FAILURE() << name << " is not there";
    return {};
  }
  static std::string sentence(const http::Response& response) { return std::string(parsed(response).at("error").as_string()); }

  directory::AccountId bob() { return world.loop.run(context.directory.find_account(*smtp::parse_address(kBob))).value()->id; }
  // A message in INBOX, as delivery leaves it.
  void deliver(std::string body) {
    const MessageId id{++last_message_ << 23};
    const auto blob = world.loop.run(write(world.blobs, id, body));
    mailbox::NewEmail email{"", blob, body.size(), world.loop.clock().now(), {}};
    ASSERT_TRUE(world.loop.run(mailboxes.deliver(bob(), id, std::string(kBob), std::move(email))).has_value());
  }
  static Task<store::BlobId> write(store::Blobs& blobs, MessageId id, std::string body) {
    const auto writer = blobs.begin(store::kFirstShardPartition + id.shard(), id.value);
    GODWIT_CHECK((co_await writer->append(body)).has_value());
    const auto blob = (co_await writer->finish()).value();
    GODWIT_CHECK((co_await writer->synced()).has_value());
    co_return blob;
  }

  static constexpr const char* kBob = "bob@example.org";
  static constexpr const char* kPassword = "secret";
  static constexpr const char* kPath = "/v1/mailboxes/bob%40example.org";
  std::uint64_t last_message_ = 1'000;
};

TEST_F(MailboxesResource, Reading_WritesNothing) {
  const auto writes = world.engine.writes();
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(ask("GET", "/v1/mailboxes").status, 200u);
  EXPECT_EQ(ask("PATCH", kPath).status, 404u);
  EXPECT_EQ(ask("GET", "/v1/accounts/bob%40example.org").status, 200u);
  EXPECT_EQ(world.engine.writes(), writes);
  EXPECT_EQ(world.loop.run(mailboxes.usage(bob())).value().mailboxes, 0u);
}

TEST_F(MailboxesResource, NewAccount_HasTheFirstOnesOnceItIsUsed) {
  ASSERT_TRUE(world.loop.run(mailboxes.open_account(bob())).has_value());
  EXPECT_THAT(names(), ElementsAre("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"));
  const auto sent = one("Sent");
  EXPECT_EQ(sent.at("special_use").as_string(), "\\Sent");
  EXPECT_TRUE(sent.at("subscribed").as_bool());
  EXPECT_EQ(sent.at("messages").to_number<int>(), 0);
}

TEST_F(MailboxesResource, List_SaysWhatIsInThem) {
  deliver("Subject: one\r\n\r\n");
  deliver("Subject: three\r\n\r\n");
  const auto inbox = one("INBOX");
  EXPECT_EQ(inbox.at("messages").to_number<int>(), 2);
  EXPECT_EQ(inbox.at("unseen").to_number<int>(), 2);
  EXPECT_EQ(inbox.at("bytes").to_number<int>(), 34);
  EXPECT_EQ(inbox.at("uid_next").to_number<int>(), 3);
  EXPECT_EQ(inbox.at("id").to_number<int>(), 1);
  EXPECT_GT(inbox.at("uid_validity").to_number<std::uint64_t>(), 0u);
}

TEST_F(MailboxesResource, Stats_AreOfAllAccounts) {
  GODWIT_CHECK(world.add_account("ann@example.org", kPassword).has_value());
  deliver("Subject: one\r\n\r\n");
  const auto answer = ask("GET", "/v1/mailboxes");
  EXPECT_EQ(answer.status, 200u);
  std::vector<std::string> lines;
  for (const auto& each : parsed(answer).at("accounts").as_array())
    lines.push_back(fmt::format("{} {} {} {}", std::string_view(each.at("address").as_string()), each.at("mailboxes").to_number<int>(),
                                each.at("messages").to_number<int>(), each.at("bytes").to_number<int>()));
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre("bob@example.org 6 1 16", "ann@example.org 0 0 0"));
}

TEST_F(MailboxesResource, Create_MakesLevelsAndSubscribes) {
  const auto made = create(
      "Work/2026/Gr\xc3\xbc\xc3\x9f"
      "e/");
  EXPECT_EQ(made.status, 201u) << made.body;
  EXPECT_EQ(parsed(made).at("name").as_string(),
            "Work/2026/Gr\xc3\xbc\xc3\x9f"
            "e");
  EXPECT_TRUE(one("Work/2026/Gr\xc3\xbc\xc3\x9f"
                  "e")
                  .at("subscribed")
                  .as_bool());
  EXPECT_EQ(one("Work").at("messages").to_number<int>(), 0);
  EXPECT_EQ(create("inbox/lists").status, 201u);
  EXPECT_EQ(one("INBOX/lists").at("messages").to_number<int>(), 0);
}

TEST_F(MailboxesResource, Create_WithASpecialUse) {
  EXPECT_EQ(create("Wichtig", "\\important").status, 201u);
  EXPECT_EQ(one("Wichtig").at("special_use").as_string(), "\\Important");
  const auto taken = create("Old", "\\Archive");
  EXPECT_EQ(taken.status, 409u);
  EXPECT_EQ(sentence(taken), "another mailbox has that special use");
  const auto unknown = create("Old", "\\Everything");
  EXPECT_EQ(unknown.status, 400u);
  EXPECT_THAT(sentence(unknown), HasSubstr("\"\\Everything\" is not a special use; there are \\Archive"));
  EXPECT_THAT(names(), Not(::testing::Contains("Old")));
}

TEST_F(MailboxesResource, Create_BeyondTheSubscriptions_IsNotSubscribed) {
  store::Batch batch;
  for (std::size_t i = 0; i < mailbox::kMaxSubscriptions; ++i)
    batch.put(store::Keyspace::mailbox, mailbox::subscription_key("many/" + std::to_string(i)), "");
  ASSERT_TRUE(world.loop.run(world.engine.write(directory::partition_of(bob()), std::move(batch))).ok());
  const auto made = create("work");
  EXPECT_EQ(made.status, 201u) << made.body;
  EXPECT_FALSE(parsed(made).at("subscribed").as_bool());
  EXPECT_FALSE(one("work").at("subscribed").as_bool());
}

TEST_F(MailboxesResource, Rename_TakesWhatIsBelowAlong) {
  ASSERT_EQ(create("work/old").status, 201u);
  const auto done = rename("work", "job/now");
  EXPECT_EQ(done.status, 200u) << done.body;
  EXPECT_EQ(parsed(done).at("from").as_string(), "work");
  EXPECT_EQ(parsed(done).at("to").as_string(), "job/now");
  EXPECT_THAT(names(), ElementsAre("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash", "job", "job/now", "job/now/old"));
}

// RFC 9051 5.1: INBOX means the same in any case
TEST_F(MailboxesResource, Rename_OfInboxInAnyCase_MovesItsMessages) {
  for (const std::string name : {"inbox", "INBOX", "Inbox"}) {
    SCOPED_TRACE(name);
    deliver("Subject: one\r\n\r\n");
    const auto done = rename(name, "Old " + name);
    EXPECT_EQ(done.status, 200u) << done.body;
    EXPECT_EQ(parsed(done).at("from").as_string(), "INBOX");
    EXPECT_EQ(one("Old " + name).at("messages").to_number<int>(), 1);
    EXPECT_EQ(one("INBOX").at("messages").to_number<int>(), 0);
  }
  ASSERT_EQ(create("Lists").status, 201u);
  EXPECT_EQ(rename("Lists", "inbox/Lists").status, 200u);
  EXPECT_EQ(rename("inBox/Lists", "Lists").status, 200u);
  EXPECT_EQ(one("Lists").at("messages").to_number<int>(), 0);
}

TEST_F(MailboxesResource, Rename_ThatCannotBe) {
  ASSERT_EQ(create("work").status, 201u);
  EXPECT_EQ(rename("nowhere", "x").status, 404u);
  EXPECT_EQ(sentence(rename("work", "Sent")), "there is a mailbox of that name already");
  EXPECT_EQ(sentence(rename("work", "inbox")), "there is a mailbox of that name already");
  EXPECT_EQ(sentence(rename("inbox", "INBOX")), "there is a mailbox of that name already");
  EXPECT_EQ(sentence(rename("work", "work/below")), "a mailbox cannot go below itself");
  EXPECT_EQ(rename("work", "work/below").status, 409u);
  EXPECT_THAT(names(), ElementsAre("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash", "work"));
}

TEST_F(MailboxesResource, Delete_TakesTheMessagesAndLeavesWhatIsBelow) {
  ASSERT_EQ(create("work/old").status, 201u);
  deliver("Subject: one\r\n\r\n");
  ASSERT_EQ(rename("INBOX", "work/new").status, 200u);
  const auto done = remove("work/new");
  EXPECT_EQ(done.status, 200u) << done.body;
  EXPECT_EQ(parsed(done).at("name").as_string(), "work/new");
  EXPECT_EQ(remove("work").status, 200u);
  EXPECT_THAT(names(), ElementsAre("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash", "work/old"));
  EXPECT_EQ(parsed(ask("GET", "/v1/mailboxes")).at("accounts").at(0).at("messages").to_number<int>(), 0);
  EXPECT_THAT(world.loop.run(mailboxes.verify(bob())).value(), IsEmpty());
}

TEST_F(MailboxesResource, Delete_ThatCannotBe) {
  EXPECT_EQ(remove("nowhere").status, 404u);
  for (const std::string name : {"INBOX", "inbox", "iNbOx"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(remove(name).status, 409u);
    EXPECT_EQ(sentence(remove(name)), "INBOX cannot be removed");
  }
}

TEST_F(MailboxesResource, FirstOnesOfANewAccount_CanBeRenamedAndDeletedAtOnce) {
  EXPECT_EQ(remove("Junk").status, 200u);
  EXPECT_EQ(rename("Archive", "Archiv").status, 200u);
  EXPECT_THAT(names(), ElementsAre("INBOX", "Archiv", "Drafts", "Sent", "Trash"));
}

TEST_F(MailboxesResource, BadNames_AreRefusedEverywhere) {
  struct Case {
    std::string name, sentence;
  };
  const Case cases[] = {
      {"", "a mailbox needs a name"},
      {"/", "a mailbox needs a name"},
      {"/work", "a level of a mailbox name is empty"},
      {"a//b", "a level of a mailbox name is empty"},
      {"a%", "a mailbox name holds no % and no *"},
      {"*", "a mailbox name holds no % and no *"},
      {"a\tb", "a mailbox name holds no control characters"},
      {"a\r\nb", "a mailbox name holds no control characters"},
      {std::string("a\0b", 3), "a mailbox name holds no control characters"},
      {std::string(1'001, 'x'), "the mailbox name is too long"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name.substr(0, 20));
    EXPECT_EQ(create(each.name).status, 400u);
    EXPECT_EQ(sentence(create(each.name)), each.sentence);
    EXPECT_EQ(sentence(rename("Sent", each.name)), each.sentence);
    EXPECT_THAT(rename("Sent", each.name).status, 400u);
  }
  for (const std::string name : {"", "a\tb"}) {
    EXPECT_EQ(remove(name).status, 400u);
    EXPECT_EQ(rename(name, "x").status, 400u);
  }
  EXPECT_EQ(create("Sent").status, 409u);
  EXPECT_EQ(create("inbox").status, 409u);
}

TEST_F(MailboxesResource, WhatIsNotThere_IsSaid) {
  const auto unknown = ask("GET", "/v1/mailboxes/nobody%40example.org");
  EXPECT_EQ(unknown.status, 404u);
  EXPECT_EQ(sentence(unknown), "there is no account nobody@example.org");
  EXPECT_EQ(ask("GET", "/v1/mailboxes/nonsense").status, 400u);
  EXPECT_EQ(ask("GET", "/v1/mailboxes/bob%40example.org/INBOX").status, 404u);
  EXPECT_EQ(ask("POST", "/v1/mailboxes", R"({"name": "x"})").status, 404u);
  EXPECT_EQ(ask("PATCH", kPath).status, 404u);
  EXPECT_EQ(ask("POST", kPath, "[]").status, 400u);
  EXPECT_EQ(ask("POST", kPath, R"({"name": 3})").status, 400u);
}

TEST_F(MailboxesResource, StoreThatFails_IsATemporaryError) {
  ASSERT_EQ(create("work").status, 201u);
  world.engine.fail_at(1, testing::MemoryEngine::Failure::full);
  EXPECT_EQ(create("more").status, 503u);
  EXPECT_EQ(create("more").status, 201u);
}

}  // namespace
}  // namespace godwit::adminapi
