#include "service/intake/intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "testing/mail_world.h"

namespace godwit::intake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() {
    GODWIT_CHECK(world.add_domain("example.org").has_value());
    bob = *world.add_account("bob@example.org", "secret");
    mx.helo = "client.test";
    mx.session = "s1";
    mx.remote = {{false, {192, 0, 2, 7}}, 40'000};
    submission = mx;
    submission.door = Source::Door::submission;
    submission.account = bob;
    submission.may_relay = true;
    local.door = Source::Door::local;
    local.helo = "bounce";
  }

  static smtp::Address address(std::string_view text) {
    auto parsed = smtp::parse_address(text);
    GODWIT_CHECK(parsed.has_value());
    return *std::move(parsed);
  }
  static MailParameters from(std::string_view text) {
    MailParameters parameters;
    if (!text.empty()) parameters.reverse_path = smtp::ReversePath(address(text));
    return parameters;
  }
  std::unique_ptr<Transaction> begin(const Source& source, std::string_view sender) {
    auto begun = world.loop.run(world.intake->begin(source, from(sender)));
    GODWIT_CHECK(begun.has_value());
    return *std::move(begun);
  }
  std::string rcpt(Transaction& transaction, std::string_view to) {
    return world.loop.run(transaction.add_recipient(address(to), queue::Notify(), "")).one_line();
  }
  std::string refusal(const Source& source, MailParameters parameters) {
    auto begun = world.loop.run(world.intake->begin(source, std::move(parameters)));
    return begun ? "accepted" : begun.error().one_line();
  }
  void append(Transaction& transaction, std::string_view chunk) { world.loop.run(transaction.append(chunk)); }
  std::string commit(Transaction& transaction) { return world.loop.run(transaction.commit()).one_line(); }
  std::string send(Transaction& transaction, std::string_view body) {
    EXPECT_EQ(transaction.begin_body().code, 354);
    append(transaction, body);
    return commit(transaction);
  }
  queue::Message stored() {
    auto messages = world.stored();
    GODWIT_CHECK(messages.size() == 1);
    return std::move(messages[0]);
  }

  testing::MailWorld world;
  directory::Account bob;
  Source mx;
  Source submission;
  Source local;
};

TEST_F(IntakeTest, Commit_Keeps_TracesAndTellsTheScheduler) {
  auto transaction = begin(mx, "a@other.test");
  EXPECT_EQ(rcpt(*transaction, "bob@example.org"), "250 2.1.5 Ok");
  EXPECT_EQ(transaction->recipients(), 1u);
  const auto reply = send(*transaction, "Message-ID: <x@other.test>\r\nSubject: s\r\n\r\nbody\r\n");
  const auto message = stored();
  EXPECT_EQ(reply, "250 2.0.0 " + message.id.text() + " kept");
  EXPECT_EQ(message.reverse_path.text(), "a@other.test");
  EXPECT_EQ(message.tenant, "example.org");
  EXPECT_EQ(message.identity, "");
  EXPECT_EQ(message.client, "192.0.2.7 (client.test)");
  EXPECT_EQ(message.session, "s1");
  EXPECT_EQ(message.size, 48u);
  EXPECT_EQ(world.body_of(message), "Message-ID: <x@other.test>\r\nSubject: s\r\n\r\nbody\r\n");
  ASSERT_EQ(world.accepted.size(), 1u);
  EXPECT_EQ(world.accepted[0].id, message.id);
  const auto& keys = world.trace->keys_of.at(message.id);
  EXPECT_EQ(keys.message_id, "<x@other.test>");
  EXPECT_EQ(keys.sender, "a@other.test");
  EXPECT_THAT(keys.recipients, ElementsAre("bob@example.org"));
  ASSERT_EQ(world.trace->events_of.at(message.id).size(), 1u);
  EXPECT_EQ(world.trace->events_of.at(message.id)[0].kind, "accepted");
}

TEST_F(IntakeTest, Reply250_WaitsForTheSync) {
  auto transaction = begin(mx, "");
  rcpt(*transaction, "bob@example.org");
  transaction->begin_body();
  append(*transaction, "\r\nbody\r\n");
  world.blobs.hold_syncs(true);
  std::optional<smtp::Reply> reply;
  auto run = [](Transaction& t, std::optional<smtp::Reply>& into) -> Task<> { into = co_await t.commit(); };
  world.loop.start(run(*transaction, reply));
  world.loop.advance(std::chrono::minutes(1));
  EXPECT_FALSE(reply);
  EXPECT_TRUE(world.accepted.empty());
  world.blobs.hold_syncs(false);
  world.loop.poll();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code, 250);
  EXPECT_EQ(world.accepted.size(), 1u);
}

TEST_F(IntakeTest, FailedSync_IsTemporaryAndLeavesNothing) {
  auto transaction = begin(mx, "");
  rcpt(*transaction, "bob@example.org");
  world.blobs.fail_syncs(true);
  EXPECT_EQ(send(*transaction, "\r\nbody\r\n"), "451 4.3.0 The message cannot be kept now; try again later");
  EXPECT_TRUE(world.stored().empty());
  EXPECT_TRUE(world.accepted.empty());
  EXPECT_TRUE(world.blobs.ids().empty());
}

TEST_F(IntakeTest, DroppedBeforeCommit_LeavesNothing) {
  {
    auto transaction = begin(mx, "");
    rcpt(*transaction, "bob@example.org");
    transaction->begin_body();
    append(*transaction, "half");
  }
  EXPECT_TRUE(world.stored().empty());
  EXPECT_TRUE(world.blobs.ids().empty());
}

TEST_F(IntakeTest, Stranger_IsNeverRelayed) {
  GODWIT_CHECK(world.add_route({"routed.test", {"smtp://127.0.0.1:2600"}}).has_value());
  auto transaction = begin(mx, "bob@example.org");
  for (const char* to : {"x@elsewhere.test", "x@routed.test", "x@[192.0.2.1]", "x@sub.example.org"}) {
    SCOPED_TRACE(to);
    EXPECT_EQ(rcpt(*transaction, to), "550 5.7.1 Relaying denied: this domain is not served here");
  }
  EXPECT_EQ(transaction->begin_body().one_line(), "554 5.5.1 No valid recipients");
}

// Whatever a stranger says about himself: what a route knows of senders, tenants and headers opens nothing.
TEST_F(IntakeTest, Stranger_IsNeverRelayed_WhateverConditionsHold) {
  const std::vector<std::string> relay{"smtp://127.0.0.1:2600"};
  for (const routing::Route& route :
       {routing::Route{"", relay, {}, {"bob@example.org"}}, routing::Route{"", relay, {"x@elsewhere.test"}},
        routing::Route{"", relay, {}, {"<>"}}, routing::Route{"", relay, {}, {}, {"example.org"}},
        routing::Route{"*", relay, {}, {}, {}, {"X-Let-Me: in"}}, routing::Route{"elsewhere.test", {"discard"}}})
    GODWIT_CHECK(world.add_route(route).has_value());
  for (const char* sender : {"bob@example.org", "", "a@other.test"}) {
    auto transaction = begin(mx, sender);
    EXPECT_EQ(rcpt(*transaction, "bob@example.org"), "250 2.1.5 Ok");
    EXPECT_EQ(rcpt(*transaction, "x@elsewhere.test"), "550 5.7.1 Relaying denied: this domain is not served here") << sender;
  }
}

TEST_F(IntakeTest, RouteOfASenderThatSaysReject_RefusesAtRcpt) {
  GODWIT_CHECK(world.add_route({"elsewhere.test", {"reject"}, {}, {"bob@example.org"}}).has_value());
  auto transaction = begin(submission, "bob@example.org");
  EXPECT_EQ(rcpt(*transaction, "x@elsewhere.test"), "550 5.7.1 Mail to this address is not taken here");
  auto other = begin(local, "carol@example.org");
  EXPECT_EQ(rcpt(*other, "x@elsewhere.test"), "250 2.1.5 Ok");
}

TEST_F(IntakeTest, RouteOfATenant_IsTheAccountsOrTheLocalDomains) {
  GODWIT_CHECK(world.add_route({"*", {"reject"}, {}, {}, {"example.org"}}).has_value());
  EXPECT_THAT(rcpt(*begin(submission, "bob@example.org"), "x@elsewhere.test"), StartsWith("550 5.7.1"));
  EXPECT_THAT(rcpt(*begin(local, "carol@example.org"), "x@elsewhere.test"), StartsWith("550 5.7.1"));
  EXPECT_THAT(rcpt(*begin(local, ""), "x@elsewhere.test"), StartsWith("250"));
  EXPECT_THAT(rcpt(*begin(mx, "a@other.test"), "bob@example.org"), StartsWith("250")) << "no route for \"*\" takes local mail";
}

// The header is to come: who is refused without it is refused.
TEST_F(IntakeTest, RouteOfAHeader_OpensNothingAtRcpt) {
  GODWIT_CHECK(world.add_route({"elsewhere.test", {"smtp://127.0.0.1:2600"}, {}, {}, {}, {"X-A: b"}}).has_value());
  GODWIT_CHECK(world.add_route({"example.org", {"hold"}, {}, {}, {}, {"X-A: b"}}).has_value());
  GODWIT_CHECK(world.add_route({"elsewhere.test", {"reject"}}).has_value());
  auto transaction = begin(submission, "bob@example.org");
  EXPECT_THAT(rcpt(*transaction, "x@elsewhere.test"), StartsWith("550 5.7.1"));
  EXPECT_THAT(rcpt(*transaction, "nobody@example.org"), StartsWith("550 5.1.1"));
}

TEST_F(IntakeTest, RouteThatHolds_BehindOneOfAHeader_TheSchedulerDecides) {
  GODWIT_CHECK(world.add_route({"hold.test", {"smtp://127.0.0.1:2600"}, {}, {}, {}, {"X-A: b"}}).has_value());
  GODWIT_CHECK(world.add_route({"hold.test", {"hold"}}).has_value());
  auto transaction = begin(submission, "bob@example.org");
  EXPECT_EQ(rcpt(*transaction, "x@hold.test"), "250 2.1.5 Ok");
  send(*transaction, "X-A: b\r\n\r\nbody\r\n");
  ASSERT_EQ(world.accepted.size(), 1u);
  EXPECT_FALSE(world.accepted[0].held);
}

TEST_F(IntakeTest, RouteThatDiscards_IsTakenAndLeftToTheScheduler) {
  GODWIT_CHECK(world.add_route({"void.test", {"discard"}}).has_value());
  auto transaction = begin(submission, "bob@example.org");
  EXPECT_EQ(rcpt(*transaction, "x@void.test"), "250 2.1.5 Ok");
  EXPECT_THAT(send(*transaction, "Subject: s\r\n\r\nbody\r\n"), StartsWith("250 2.0.0"));
  EXPECT_EQ(world.accepted.size(), 1u);
}

TEST_F(IntakeTest, AccountWithoutSubmissionDoor_DoesNotRelay) {
  Source odd = mx;
  odd.account = bob;  // a front end that forgot the door must not open it
  auto transaction = begin(odd, "bob@example.org");
  EXPECT_THAT(rcpt(*transaction, "x@elsewhere.test"), StartsWith("550 5.7.1"));
}

TEST_F(IntakeTest, SubmissionWithoutAccount_IsRefused) {
  Source odd = submission;
  odd.account.reset();
  EXPECT_EQ(refusal(odd, from("bob@example.org")), "530 5.7.0 Authentication required");
}

TEST_F(IntakeTest, KnownSender_GoesWhereARouteLeads) {
  GODWIT_CHECK(world.add_route({"routed.test", {"smtp://127.0.0.1:2600"}}).has_value());
  auto transaction = begin(submission, "bob@example.org");
  EXPECT_EQ(rcpt(*transaction, "x@routed.test"), "250 2.1.5 Ok");
  EXPECT_EQ(rcpt(*transaction, "x@elsewhere.test"), "250 2.1.5 Ok") << "by MX; the DNS is asked when it is tried";
  EXPECT_THAT(rcpt(*transaction, "x@[192.0.2.1]"), StartsWith("550 5.1.2"));
  EXPECT_THAT(rcpt(*transaction, "nobody@example.org"), StartsWith("550 5.1.1"));
  send(*transaction, "From: bob@example.org\r\n\r\nbody\r\n");
  const auto message = stored();
  EXPECT_EQ(message.identity, "bob@example.org");
  EXPECT_EQ(message.tenant, "example.org");
  EXPECT_THAT(message.prefix, HasSubstr("\r\nDate: "));
  EXPECT_THAT(message.prefix, HasSubstr("\r\nMessage-ID: <" + message.id.text() + "@mx.example.org>\r\n"));
  EXPECT_EQ(world.trace->keys_of.at(message.id).message_id, "<" + message.id.text() + "@mx.example.org>");
}

TEST_F(IntakeTest, EveryRouteSaysHold_IsKeptHeldByOneWrite) {
  GODWIT_CHECK(world.add_route({"hold.test", {"hold"}}).has_value());
  const auto& counter = metrics::counter("godwit_scheduler_held_total", "Messages that were held");
  const auto before = counter.value();
  auto transaction = begin(submission, "bob@example.org");
  rcpt(*transaction, "x@hold.test");
  rcpt(*transaction, "y@hold.test");
  const auto writes = world.engine.writes();
  EXPECT_THAT(send(*transaction, "Subject: s\r\n\r\nbody\r\n"), StartsWith("250 2.0.0"));
  EXPECT_EQ(world.engine.writes() - writes, 1u);
  const auto message = stored();
  EXPECT_TRUE(message.held);
  EXPECT_EQ(message.held_because, "the route \"hold.test\" says hold");
  EXPECT_TRUE(world.accepted.empty());  // nothing for the scheduler to do
  const auto& events = world.trace->events_of.at(message.id);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, "accepted");
  EXPECT_EQ(events[1].kind, "held");
  EXPECT_EQ(events[1].detail, message.held_because);
  EXPECT_EQ(counter.value() - before, 1u);
}

TEST_F(IntakeTest, OneRouteLeadsOn_TheSchedulerDecides) {
  GODWIT_CHECK(world.add_route({"hold.test", {"hold"}}).has_value());
  GODWIT_CHECK(world.add_route({"routed.test", {"smtp://127.0.0.1:2600"}}).has_value());
  GODWIT_CHECK(world.add_alias("kept@example.org", {"x@hold.test"}).has_value());
  for (const std::string_view other : {"bob@example.org", "x@routed.test", "kept@example.org"}) {
    SCOPED_TRACE(other);
    world.accepted.clear();
    auto transaction = begin(submission, "bob@example.org");
    rcpt(*transaction, "x@hold.test");
    EXPECT_EQ(rcpt(*transaction, other), "250 2.1.5 Ok");
    EXPECT_THAT(send(*transaction, "Subject: s\r\n\r\nbody\r\n"), StartsWith("250 2.0.0"));
    ASSERT_EQ(world.accepted.size(), 1u);
    EXPECT_FALSE(world.accepted[0].held);
  }
  auto alone = begin(submission, "bob@example.org");
  rcpt(*alone, "kept@example.org");
  send(*alone, "Subject: s\r\n\r\nbody\r\n");
  EXPECT_FALSE(world.accepted.back().held);
}

TEST_F(IntakeTest, ManyRecipientsOnHold_TheSchedulerMovesThem) {
  GODWIT_CHECK(world.add_route({"hold.test", {"hold"}}).has_value());
  auto transaction = begin(submission, "bob@example.org");
  for (int i = 0; i < 17; ++i) rcpt(*transaction, "x" + std::to_string(i) + "@hold.test");
  send(*transaction, "Subject: s\r\n\r\nbody\r\n");
  ASSERT_EQ(world.accepted.size(), 1u);
  EXPECT_TRUE(world.accepted[0].held);
  EXPECT_TRUE(stored().held);
}

TEST_F(IntakeTest, Sender_MustBelongToTheAccount) {
  EXPECT_EQ(refusal(submission, from("carol@example.org")), "553 5.7.1 bob@example.org may not send as carol@example.org");
  EXPECT_EQ(refusal(submission, from("")), "accepted");
  EXPECT_EQ(refusal(mx, from("carol@example.org")), "accepted");
}

TEST_F(IntakeTest, LocalDoor_GoesAnywhereAndHasNoClient) {
  GODWIT_CHECK(world.add_route({"routed.test", {"smtp://127.0.0.1:2600"}}).has_value());
  auto transaction = begin(local, "");
  EXPECT_EQ(rcpt(*transaction, "x@routed.test"), "250 2.1.5 Ok");
  send(*transaction, "Subject: bounce\r\n\r\nbody\r\n");
  const auto message = stored();
  EXPECT_EQ(message.client, "bounce");
  EXPECT_THAT(message.prefix, ::testing::Not(HasSubstr("0.0.0.0")));
  EXPECT_THAT(message.prefix, HasSubstr("Message-ID: <"));
}

TEST_F(IntakeTest, Size_IsCountedWhileItStreams) {
  world.settings.max_message_size = 100;
  MailParameters declared = from("a@other.test");
  declared.size = 101;
  EXPECT_EQ(refusal(mx, std::move(declared)), "552 5.3.4 Message too big; the limit is 100 bytes");
  auto transaction = begin(mx, "");
  rcpt(*transaction, "bob@example.org");
  transaction->begin_body();
  append(*transaction, std::string(60, 'x'));
  EXPECT_FALSE(transaction->failed());
  append(*transaction, std::string(41, 'x'));
  EXPECT_TRUE(transaction->failed());
  append(*transaction, std::string(1'000'000, 'x'));
  EXPECT_EQ(commit(*transaction), "552 5.3.4 Message too big; the limit is 100 bytes");
  EXPECT_TRUE(world.blobs.ids().empty());
}

TEST_F(IntakeTest, FullStore_Is452AtMailAndInTheBody) {
  world.blobs.set_full(true);
  EXPECT_THAT(refusal(mx, from("")), StartsWith("452 4.3.1"));
  world.blobs.set_full(false);
  auto transaction = begin(mx, "");
  rcpt(*transaction, "bob@example.org");
  transaction->begin_body();
  world.blobs.set_full(true);
  append(*transaction, "x");
  EXPECT_THAT(commit(*transaction), StartsWith("452 4.3.1"));
}

TEST_F(IntakeTest, Loop_IsRefused) {
  world.settings.max_received = 3;
  std::string head;
  for (int i = 0; i < 3; ++i) head += "Received: from a by b\r\n";
  auto fine = begin(mx, "");
  rcpt(*fine, "bob@example.org");
  EXPECT_THAT(send(*fine, head + "\r\nbody\r\n"), StartsWith("250"));
  auto transaction = begin(mx, "");
  rcpt(*transaction, "bob@example.org");
  EXPECT_EQ(send(*transaction, head + "Received: one more\r\n\r\nbody\r\n"),
            "554 5.4.6 Mail loop: the message carries 4 Received fields, the limit is 3; look there who sends it round");
}

// RFC 5321 6.3: normally at least 100.
TEST_F(IntakeTest, Loop_HundredReceivedFieldsAreNone) {
  std::string head;
  for (int i = 0; i < 100; ++i) head += "Received: from a by b\r\n";
  auto fine = begin(mx, "");
  rcpt(*fine, "bob@example.org");
  EXPECT_THAT(send(*fine, head + "\r\nbody\r\n"), StartsWith("250"));
  auto transaction = begin(mx, "");
  rcpt(*transaction, "bob@example.org");
  EXPECT_THAT(send(*transaction, head + "Received: one more\r\n\r\nbody\r\n"), StartsWith("554 5.4.6 Mail loop: the message carries 101 "));
}

TEST_F(IntakeTest, AliasThatNeverEnds_IsRefusedForGood) {
  GODWIT_CHECK(world.add_alias("round@example.org", {"about@example.org"}).has_value());
  GODWIT_CHECK(world.add_alias("about@example.org", {"round@example.org"}).has_value());
  for (int i = 0; i < 11; ++i)
    GODWIT_CHECK(world.add_alias("a" + std::to_string(i) + "@example.org", {"a" + std::to_string(i + 1) + "@example.org"}).has_value());
  GODWIT_CHECK(world.add_alias("a11@example.org", {"bob@example.org"}).has_value());
  auto transaction = begin(mx, "");
  EXPECT_EQ(rcpt(*transaction, "round@example.org"),
            "550 5.4.6 The alias round@example.org leads in a circle; its administrator must mend it");
  EXPECT_EQ(rcpt(*transaction, "a0@example.org"),
            "550 5.4.6 The alias a0@example.org leads through more than 10 aliases; its administrator must mend it");
  EXPECT_EQ(rcpt(*transaction, "a2@example.org"), "250 2.1.5 Ok");
}

TEST_F(IntakeTest, AliasTooWide_IsRefusedForGood) {
  std::vector<std::string> groups;
  for (int group = 0; group < 11; ++group) {
    std::vector<std::string> members;
    for (int i = 0; i < 1'000; ++i) members.push_back("m" + std::to_string(group * 1'000 + i) + "@elsewhere.test");
    groups.push_back("g" + std::to_string(group) + "@example.org");
    GODWIT_CHECK(world.add_alias(groups.back(), members).has_value());
  }
  GODWIT_CHECK(world.add_alias("all@example.org", groups).has_value());
  auto transaction = begin(mx, "");
  EXPECT_EQ(rcpt(*transaction, "all@example.org"),
            "550 5.2.4 The alias all@example.org stands for more than 10000 addresses; its administrator must divide it");
  EXPECT_EQ(transaction->recipients(), 0u);
}

TEST_F(IntakeTest, TooManyBehindAliases_Is452AtRcpt) {
  world.settings.max_expanded = 3;
  GODWIT_CHECK(world.add_alias("two@example.org", {"x@elsewhere.test", "y@elsewhere.test"}).has_value());
  GODWIT_CHECK(world.add_alias("same@example.org", {"X@elsewhere.test", "x@elsewhere.test", "y@elsewhere.test"}).has_value());
  GODWIT_CHECK(world.add_alias("more@example.org", {"bob@example.org", "z@elsewhere.test"}).has_value());
  auto transaction = begin(mx, "");
  EXPECT_EQ(rcpt(*transaction, "two@example.org"), "250 2.1.5 Ok");
  EXPECT_EQ(rcpt(*transaction, "more@example.org"),
            "452 4.5.3 With more@example.org the message has more than 3 recipients; send it in another transaction");
  EXPECT_EQ(rcpt(*transaction, "same@example.org"), "250 2.1.5 Ok");  // one of them is new
  EXPECT_THAT(rcpt(*transaction, "bob@example.org"), StartsWith("452 4.5.3 With bob@example.org "));
  EXPECT_THAT(send(*transaction, "\r\nbody\r\n"), StartsWith("250"));
  EXPECT_EQ(stored().recipients.size(), 3u);
}

TEST_F(IntakeTest, LimitBehindAliases_IsTheQueues) { EXPECT_EQ(Settings().max_expanded, queue::kMaxRecipients); }

TEST_F(IntakeTest, Recipients_AreEndsAndEachOnce) {
  GODWIT_CHECK(world.add_alias("team@example.org", {"bob@example.org", "x@elsewhere.test"}).has_value());
  auto transaction = begin(mx, "");
  for (const char* to : {"team@example.org", "BOB@EXAMPLE.ORG", "bob+Tag@example.org", "bob+tag@example.org"})
    EXPECT_EQ(rcpt(*transaction, to), "250 2.1.5 Ok") << to;
  EXPECT_EQ(transaction->recipients(), 4u);
  send(*transaction, "\r\nbody\r\n");
  std::vector<std::string> ends;
  for (const auto& one : stored().recipients) ends.push_back(one.address.text() + " " + one.original);
  EXPECT_THAT(ends, ElementsAre("bob@example.org team@example.org", "x@elsewhere.test team@example.org", "bob+Tag@example.org "));
}

// RFC 3461 5.2.6 (c)
TEST_F(IntakeTest, NamedTwice_IsToldWhatEitherWishAsksFor) {
  auto transaction = begin(mx, "");
  const queue::Notify success{true, false, true, false, false};
  EXPECT_EQ(world.loop.run(transaction->add_recipient(address("bob@example.org"), success, "")).code, 250);
  EXPECT_EQ(world.loop.run(transaction->add_recipient(address("bob@example.org"), queue::Notify(), "rfc822;bob@example.org")).code, 250);
  send(*transaction, "\r\nbody\r\n");
  const queue::Recipient bob = stored().recipients.at(0);
  EXPECT_TRUE(bob.notify.success && bob.notify.failure && bob.notify.delay && !bob.notify.never);
  EXPECT_EQ(bob.orcpt, "rfc822;bob@example.org");
}

TEST_F(IntakeTest, TooManyRecipients_Is452) {
  world.settings.max_recipients_anyone = 2;
  world.settings.max_recipients = 3;
  auto stranger = begin(mx, "");
  rcpt(*stranger, "bob+1@example.org");
  rcpt(*stranger, "bob+2@example.org");
  EXPECT_THAT(rcpt(*stranger, "bob+3@example.org"), StartsWith("452 4.5.3"));
  auto known = begin(submission, "bob@example.org");
  for (const char* to : {"bob+1@example.org", "bob+2@example.org", "bob+3@example.org"}) EXPECT_THAT(rcpt(*known, to), StartsWith("250"));
  EXPECT_THAT(rcpt(*known, "bob+4@example.org"), StartsWith("452 4.5.3"));
}

TEST_F(IntakeTest, NonAscii_NeedsTheParameter) {
  EXPECT_EQ(refusal(mx, from("gödel@other.test")), "550 5.6.7 An address beyond ASCII needs SMTPUTF8");
  auto plain = begin(mx, "");
  EXPECT_EQ(rcpt(*plain, "jürgen@example.org"), "553 5.6.7 An address beyond ASCII needs SMTPUTF8");
}

TEST_F(IntakeTest, UnreadableDirectory_IsTemporary) {
  auto transaction = begin(mx, "");
  world.engine.crash_keeping_all();
  EXPECT_THAT(rcpt(*transaction, "never-asked@example.org"), StartsWith("451 4.3.0"));
}

TEST_F(IntakeTest, Prefix_KeepsApartFromATextWithoutHeader) {
  struct Case {
    std::string_view body;
    bool empty_line;
  };
  for (const Case& one : {Case{"just text\r\n", true}, Case{"", true}, Case{"\r\nbody\r\n", false}, Case{"A: b\r\n", false},
                          Case{"From bob Sun\r\nSubject: x\r\n\r\n", false}}) {
    SCOPED_TRACE(one.body);
    auto transaction = begin(mx, "");
    rcpt(*transaction, "bob@example.org");
    EXPECT_THAT(send(*transaction, one.body), StartsWith("250"));
    EXPECT_EQ(world.accepted.back().prefix.ends_with("\r\n\r\n"), one.empty_line);
  }
}

TEST_F(IntakeTest, HostileHelo_CannotOpenAnotherField) {
  Source odd = mx;
  odd.helo = "x\r\nBcc: victim@elsewhere.test\r\n\r\n";
  auto transaction = begin(odd, "");
  rcpt(*transaction, "bob@example.org");
  send(*transaction, "Subject: x\r\n\r\nbody\r\n");
  EXPECT_THAT(stored().prefix, ::testing::Not(HasSubstr("\r\nBcc")));
}

}  // namespace
}  // namespace godwit::intake
