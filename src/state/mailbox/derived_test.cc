#include "state/mailbox/derived.h"

#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;

class DerivedTest : public MailboxFixture {
 protected:
  Uid add(std::string subject, directory::AccountId account = kAnna) {
    last_ = queued("Subject: " + subject + "\r\n\r\n");
    return settle(account, last_, account == kAnna ? kAnnaAddress : "bert@example.org").uid;
  }
  Listing listing(directory::AccountId account = kAnna) { return loop_.run(mailboxes_->listing(account, kInbox)).value(); }
  // "1:subject 2:?"; `made_` says of which messages a record was made in this call.
  std::vector<std::string> derived(std::vector<UidRange> uids = {{1, 1'000}}, directory::AccountId account = kAnna) {
    return derived_of(listing(account), std::move(uids));
  }
  std::vector<std::string> derived_of(const Listing& list, std::vector<UidRange> uids) {
    made_.clear();
    const Derivation derivation{.kind = 7, .want = Details::kHeading, .make = [this](const MessageInfo& info, const Details* details) {
                                  made_.push_back(info.uid);
                                  return details ? details->envelope.subject.value_or("") : "?";
                                }};
    const auto page = loop_.run(mailboxes_->derived(list, std::move(uids), derivation)).value();
    std::vector<std::string> out;
    for (std::size_t i = 0; i < page->count(); ++i) out.push_back(std::to_string(page->uid(i)) + ":" + std::string(page->record(i)));
    return out;
  }

  Queued last_;
  std::vector<Uid> made_;
};

TEST_F(DerivedTest, Records_AreMadeOnceAndTheStoreIsNotAskedAgain) {
  add("a");
  add("b");
  EXPECT_THAT(derived(), ElementsAre("1:a", "2:b"));
  EXPECT_THAT(made_, ElementsAre(1, 2));
  EXPECT_THAT(derived(), ElementsAre("1:a", "2:b"));
  EXPECT_TRUE(made_.empty());
}

TEST_F(DerivedTest, NewMessages_AloneAreLookedAt) {
  for (const char* each : {"a", "b", "c", "d"}) add(each);
  EXPECT_THAT(derived({{2, 2}}), ElementsAre("2:b"));
  EXPECT_THAT(derived({{1, 1}, {4, 4}}), ElementsAre("1:a", "2:b", "4:d"));
  EXPECT_THAT(made_, ElementsAre(1, 4));
  add("e");
  EXPECT_THAT(derived(), ElementsAre("1:a", "2:b", "3:c", "4:d", "5:e"));
  EXPECT_THAT(made_, ElementsAre(3, 5));
}

TEST_F(DerivedTest, Expunged_AreNotInTheListingAndLeaveThePageWithItsNextChange) {
  for (const char* each : {"a", "b", "c"}) add(each);
  EXPECT_THAT(derived(), ElementsAre("1:a", "2:b", "3:c"));
  ASSERT_EQ(expunge({2}).value(), 1u);
  EXPECT_THAT(listing().uids.ranges(), ElementsAre(UidRange{1, 1}, UidRange{3, 3}));
  EXPECT_TRUE((derived(), made_.empty()));
  add("d");
  EXPECT_THAT(derived(), ElementsAre("1:a", "3:c", "4:d"));
}

TEST_F(DerivedTest, GoneSinceTheListing_IsNotThere) {
  add("a");
  add("b");
  const auto before = listing();
  ASSERT_EQ(expunge({1}).value(), 1u);
  EXPECT_THAT(derived_of(before, {{1, 2}}), ElementsAre("2:b"));
}

TEST_F(DerivedTest, Unreadable_IsTriedAgain) {
  add("a");
  add("b");
  blobs_.damage_blob(last_.blob);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(derived(), ElementsAre("1:a", "2:?"));
    EXPECT_THAT(made_, i == 0 ? std::vector<Uid>({1, 2}) : std::vector<Uid>({2}));
  }
}

TEST_F(DerivedTest, Accounts_AreApart) {
  add("of anna");
  add("of bert", kBert);
  EXPECT_THAT(derived(), ElementsAre("1:of anna"));
  EXPECT_THAT(derived({{1, 9}}, kBert), ElementsAre("1:of bert"));
}

TEST_F(DerivedTest, RemovedAccount_HasNoListing) {
  add("a");
  derived();
  const auto before = listing();
  remove_account(kAnna);
  EXPECT_EQ(loop_.run(mailboxes_->listing(kAnna, kInbox)).error().cause, Error::Cause::not_found);
  ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
  const Derivation derivation{.kind = 7, .want = Details::kHeading, .make = [](const MessageInfo&, const Details*) { return "x"; }};
  EXPECT_FALSE(loop_.run(mailboxes_->derived(before, {{1, 1}}, derivation)).has_value());  // nothing is remembered either
}

TEST_F(DerivedTest, NoSuchMailbox_IsAnError) {
  open_account();
  EXPECT_EQ(loop_.run(mailboxes_->listing(kAnna, 99)).error().cause, Error::Cause::not_found);
  EXPECT_TRUE(derived().empty());
}

}  // namespace
}  // namespace godwit::mailbox
