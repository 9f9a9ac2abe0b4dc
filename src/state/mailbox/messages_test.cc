#include <algorithm>

#include "state/mailbox/messages_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using How = FlagChange::How;

// --- Append

TEST_F(MessagesTest, Append_KeepsWhatTheClientSays) {
  std::vector<NewMessage> two = several(2);
  two[0].flags = kSeen | kDeleted | 0x80;
  two[0].keywords = {"$Label1", "work", "$LABEL1"};
  const auto done = append(box_, two).value();
  EXPECT_FALSE(done.over_quota);
  EXPECT_EQ(done.uid_validity, status(box_).uid_validity);
  EXPECT_THAT(done.uids, ElementsAre(1, 2));
  const auto seen = messages(box_);
  EXPECT_EQ(seen[0].flags, kSeen | kDeleted);
  EXPECT_THAT(keywords_of(seen[0]), ElementsAre("$Label1", "work"));
  EXPECT_EQ(seen[0].received, two[0].email.received);
  EXPECT_EQ(seen[0].saved, loop_.clock().now());
  EXPECT_LT(seen[0].modseq, seen[1].modseq);
  const Mailbox now = status(box_);
  EXPECT_EQ(now.total, 2u);
  EXPECT_EQ(now.unseen, 1u);
  EXPECT_EQ(now.deleted, 1u);
  EXPECT_EQ(now.deleted_bytes, seen[0].size);
  EXPECT_EQ(now.highest_modseq, seen[1].modseq);
  EXPECT_EQ(engine_.rows(Keyspace::blob_refs), 2u);
}

TEST_F(MessagesTest, Append_AllOrNone) {
  EXPECT_TRUE(append(box_, several(1), {0, 1}).value().uids.size() == 1);
  EXPECT_TRUE(append(box_, several(1), {0, 1}).value().over_quota);
  const std::uint64_t size = messages(box_)[0].size;
  EXPECT_TRUE(append(box_, several(2), {size * 3 - 1, 0}).value().over_quota);
  EXPECT_FALSE(append(box_, several(2), {size * 3, 3}).value().over_quota);
  std::vector<NewMessage> bad = several(2);
  bad[1].keywords.push_back(std::string(Keywords::kMaxLength + 1, 'x'));
  EXPECT_EQ(append(box_, bad).error().cause, Error::Cause::limit);
  engine_.set_full(true);
  EXPECT_EQ(append(box_, several(1)).error().cause, Error::Cause::full);
  engine_.set_full(false);
  EXPECT_EQ(append(99, several(1)).error().cause, Error::Cause::not_found);
  EXPECT_THAT(uids_in(box_), ElementsAre(1, 2, 3));
}

TEST_F(MessagesTest, Append_TooManyForABatch_IsALimit) {
  std::vector<NewMessage> many = several(300);
  for (auto& each : many) each.email.prefix.assign(4'000, 'x');
  EXPECT_EQ(append(box_, std::move(many)).error().cause, Error::Cause::limit);
  EXPECT_THAT(uids_in(box_), IsEmpty());
}

TEST_F(MessagesTest, Append_PowerCut_AllOrNone) {
  for (const auto failure : {testing::MemoryEngine::Failure::lost, testing::MemoryEngine::Failure::applied}) {
    const auto before = uids_in(box_).size();
    engine_.fail_at(1, failure);
    EXPECT_FALSE(append(box_, several(3)).has_value());
    engine_.crash_at_random(random_);
    restart();
    const auto after = uids_in(box_).size();
    EXPECT_TRUE(after == before || after == before + 3);
    EXPECT_THAT(verify(), IsEmpty());
  }
}

// --- Copy and move

TEST_F(MessagesTest, Copy_SharesTheEmail) {
  append_one(kInbox, kFlagged, {"a"});
  append_one(kInbox);
  loop_.advance(std::chrono::hours(1));
  const auto done = copy(kInbox, {{1, 1}, {2, 9}}, box_).value();
  EXPECT_THAT(done.from, ElementsAre(1, 2));
  EXPECT_THAT(done.to, ElementsAre(1, 2));
  EXPECT_EQ(done.uid_validity, status(box_).uid_validity);
  const auto from = messages(kInbox), to = messages(box_);
  EXPECT_EQ(to[0].email, from[0].email);
  EXPECT_EQ(to[0].flags, kFlagged);
  EXPECT_EQ(to[0].keywords, from[0].keywords);
  EXPECT_EQ(to[0].received, from[0].received);
  EXPECT_EQ(to[0].saved, loop_.clock().now());
  EXPECT_LT(from[0].saved, to[0].saved);
  EXPECT_EQ(loop_.run(mailboxes_->usage(kAnna)).value().emails, 2u);
  EXPECT_EQ(blobs_.ids().size(), 2u);
  EXPECT_EQ(expunge({1, 2}).value(), 2u);
  EXPECT_EQ(blobs_.ids().size(), 2u);
  EXPECT_EQ(expunge_in(box_, {{1, 2}}, false).value().size(), 2u);
  EXPECT_THAT(blobs_.ids(), IsEmpty());
}

TEST_F(MessagesTest, Copy_ToItself_DoesNotCopyTheCopies) {
  append_one(box_);
  append_one(box_);
  const auto done = copy(box_, {{1, UINT32_MAX}}, box_).value();
  EXPECT_THAT(done.to, ElementsAre(3, 4));
  const auto seen = messages(box_);
  EXPECT_EQ(seen[0].email, seen[2].email);
  EXPECT_EQ(expunge_in(box_, {{1, 1}, {3, 3}}, false).value().size(), 2u);
  EXPECT_EQ(blobs_.ids().size(), 1u);
}

TEST_F(MessagesTest, Move_LeavesATombstone) {
  append_one(kInbox, kSeen);
  append_one(kInbox);
  const Modseq before = status(kInbox).highest_modseq;
  const auto done = copy(kInbox, {{1, 1}, {7, 7}}, box_, true).value();
  EXPECT_THAT(done.from, ElementsAre(1));
  EXPECT_THAT(done.to, ElementsAre(1));
  EXPECT_THAT(uids_in(kInbox), ElementsAre(2));
  const Changes seen = changes(kInbox, before);
  EXPECT_THAT(seen.expunged, ElementsAre(1));
  EXPECT_THAT(seen.messages, IsEmpty());
  EXPECT_EQ(messages(box_)[0].flags, kSeen);
  EXPECT_EQ(status(kInbox).unseen, 1u);
  EXPECT_EQ(status(box_).unseen, 0u);
}

TEST_F(MessagesTest, Move_ToItself_GivesNewUids) {
  append_one(box_);
  append_one(box_);
  EXPECT_THAT(copy(box_, {{1, 1}}, box_, true).value().to, ElementsAre(3));
  EXPECT_THAT(uids_in(box_), ElementsAre(2, 3));
}

TEST_F(MessagesTest, CopyOfThousands_GoesInPieces) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(append(box_, several(800)).has_value());
  const auto copied = copy(box_, {{1, UINT32_MAX}}, kInbox).value();
  EXPECT_EQ(copied.to.size(), 4'800u);
  EXPECT_TRUE(std::ranges::is_sorted(copied.to));
  const auto moved = copy(box_, {{1, UINT32_MAX}}, box_, true).value();
  EXPECT_EQ(moved.to.size(), 4'800u);
  EXPECT_EQ(moved.to.front(), 4'801u);
  EXPECT_EQ(loop_.run(mailboxes_->uids(kAnna, box_)).value().count(), 4'800u);
}

// RFC 9051 6.4.7: the target is as it was.
TEST_F(MessagesTest, CopyOfThousands_DiskFullInTheMiddle_TakesItBack) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(append(box_, several(800)).has_value());
  append_one(kInbox);
  engine_.fail_at(2, testing::MemoryEngine::Failure::full);
  EXPECT_FALSE(copy(box_, {{1, UINT32_MAX}}, kInbox).has_value());
  EXPECT_THAT(uids_in(kInbox), ElementsAre(1));
  EXPECT_EQ(uids_in(box_).size(), 4'800u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(MessagesTest, Copy_OfNothingOrNowhere) {
  EXPECT_THAT(copy(kInbox, {{1, 9}}, box_).value().from, IsEmpty());
  EXPECT_EQ(copy(kInbox, {}, box_).value().uid_validity, status(box_).uid_validity);
  append_one(kInbox);
  EXPECT_EQ(copy(kInbox, {{1, 1}}, 99).error().cause, Error::Cause::not_found);
  EXPECT_EQ(copy(99, {{1, 1}}, kInbox).error().cause, Error::Cause::not_found);
  engine_.set_full(true);
  EXPECT_EQ(copy(kInbox, {{1, 1}}, box_).error().cause, Error::Cause::full);
  EXPECT_TRUE(copy(kInbox, {{1, 1}}, box_, true).has_value());
  EXPECT_TRUE(change_flags(box_, {{1, 1}}, {How::add, kSeen, {}}).has_value());
  EXPECT_EQ(expunge_in(box_, {{1, 1}}, false).value().size(), 1u);
}

// --- Flags

TEST_F(MessagesTest, Flags_AddRemoveReplace) {
  append_one(box_);
  auto now = change_flags(box_, {{1, 1}}, {How::add, kSeen | kDeleted, {"b", "a"}}).value().messages.at(0);
  EXPECT_EQ(now.flags, kSeen | kDeleted);
  EXPECT_THAT(keywords_of(now), ElementsAre("b", "a"));
  EXPECT_EQ(status(box_).unseen, 0u);
  EXPECT_EQ(status(box_).deleted, 1u);
  now = change_flags(box_, {{1, 1}}, {How::remove, kDeleted, {"B", "never"}}).value().messages.at(0);
  EXPECT_EQ(now.flags, kSeen);
  EXPECT_THAT(keywords_of(now), ElementsAre("a"));
  EXPECT_EQ(status(box_).deleted, 0u);
  now = change_flags(box_, {{1, 1}}, {How::replace, kFlagged, {"c"}}).value().messages.at(0);
  EXPECT_EQ(now.flags, kFlagged);
  EXPECT_THAT(keywords_of(now), ElementsAre("c"));
  EXPECT_EQ(status(box_).highest_modseq, now.modseq);
  EXPECT_EQ(messages(box_)[0].modseq, now.modseq);
  EXPECT_THAT(loop_.run(mailboxes_->keywords(kAnna)).value()->names(), ElementsAre("b", "a", "c"));
  EXPECT_EQ(change_flags(99, {{1, 1}}, {}).error().cause, Error::Cause::not_found);
}

TEST_F(MessagesTest, FlagsThatAreSo_CostNoModseq) {
  append_one(box_, kSeen);
  append_one(box_);
  const auto writes = engine_.writes();
  const Mailbox before = status(box_);
  const auto same = change_flags(box_, {{1, 1}}, {How::add, kSeen, {}}).value();
  EXPECT_EQ(same.messages.size(), 1u);
  EXPECT_EQ(engine_.writes(), writes);
  const auto both = change_flags(box_, {{1, 9}}, {How::add, kSeen, {}}).value();
  EXPECT_EQ(both.messages.size(), 2u);
  EXPECT_LE(both.messages[0].modseq, before.highest_modseq);
  EXPECT_GT(both.messages[1].modseq, before.highest_modseq);
}

TEST_F(MessagesTest, UnchangedSince_RefusesTheLater) {
  for (int i = 0; i < 3; ++i) append_one(box_);
  const Modseq since = status(box_).highest_modseq;
  ASSERT_TRUE(change_flags(box_, {{2, 2}}, {How::add, kSeen, {}}).has_value());
  const auto done = change_flags(box_, {{1, 3}}, {How::add, kFlagged, {}}, since).value();
  EXPECT_THAT(done.refused, ElementsAre(2));
  EXPECT_EQ(done.messages.size(), 2u);
  EXPECT_EQ(messages(box_)[1].flags, kSeen);
  const auto none = change_flags(box_, {{1, 3}}, {How::add, kAnswered, {}}, 0).value();
  EXPECT_THAT(none.refused, ElementsAre(1, 2, 3));
}

TEST_F(MessagesTest, Keywords_HaveALimit) {
  append_one(box_);
  std::vector<std::string> many;
  for (std::size_t i = 0; i < Keywords::kMax; ++i) many.push_back("k" + std::to_string(i));
  EXPECT_EQ(change_flags(box_, {{1, 1}}, {How::add, 0, many}).value().messages[0].keywords.size(), Keywords::kMax);
  EXPECT_EQ(change_flags(box_, {{1, 1}}, {How::add, 0, {"more"}}).error().cause, Error::Cause::limit);
  EXPECT_TRUE(change_flags(box_, {{1, 1}}, {How::add, 0, {"K7"}}).has_value());
  EXPECT_TRUE(change_flags(box_, {{1, 1}}, {How::remove, 0, {"more", ""}}).has_value());
  EXPECT_EQ(change_flags(box_, {{1, 1}}, {How::add, 0, {""}}).error().cause, Error::Cause::limit);
  EXPECT_EQ(loop_.run(mailboxes_->keywords(kAnna)).value()->names().size(), Keywords::kMax);
}

// A message with every keyword has a row of 2 KB.
TEST_F(MessagesTest, ManyKeywordsOnManyMessages_GoInPieces) {
  ASSERT_TRUE(append(box_, several(700)).has_value());
  std::vector<std::string> many;
  for (std::size_t i = 0; i < 600; ++i) many.push_back("k" + std::to_string(i));
  const auto done = change_flags(box_, {{1, UINT32_MAX}}, {How::add, kSeen, many}).value();
  EXPECT_EQ(done.messages.size(), 700u);
  EXPECT_EQ(done.messages.back().keywords.size(), 600u);
  EXPECT_EQ(copy(box_, {{1, UINT32_MAX}}, kInbox).value().to.size(), 700u);
}

// The last changes of flags go with the power, and none of their modseqs comes back for another change.
TEST_F(MessagesTest, FlagsLostInAPowerCut_ModseqsAreNotGivenTwice) {
  append_one(box_);
  ASSERT_TRUE(change_flags(box_, {{1, 1}}, {How::add, kSeen, {}}).has_value());  // durable: it reserves
  const auto seen = change_flags(box_, {{1, 1}}, {How::add, kFlagged, {}}).value().messages.at(0);
  EXPECT_GT(engine_.unsynced(), 0u);
  engine_.crash_forgetting_all();
  restart();
  EXPECT_LT(messages(box_)[0].modseq, seen.modseq);
  EXPECT_THAT(verify(), IsEmpty());
  const auto now = change_flags(box_, {{1, 1}}, {How::add, kAnswered, {}}).value().messages.at(0);
  EXPECT_GT(now.modseq, seen.modseq);
  const auto more = change_flags(box_, {{1, 1}}, {How::add, kDraft, {}}).value().messages.at(0);
  engine_.crash_keeping_all();
  restart();
  EXPECT_EQ(messages(box_)[0].modseq, more.modseq);
  append_one(box_);
  EXPECT_GT(messages(box_)[1].modseq, more.modseq);
}

TEST_F(MessagesTest, ExpungeOfTheDeleted_LeavesTheOthers) {
  for (int i = 0; i < 4; ++i) append_one(box_, i % 2 == 0 ? kDeleted : 0);
  EXPECT_THAT(expunge_in(box_, {{2, 4}}, true).value(), ElementsAre(3));
  EXPECT_THAT(expunge_in(box_, {{1, UINT32_MAX}}, true).value(), ElementsAre(1));
  const auto writes = engine_.writes();
  EXPECT_THAT(expunge_in(box_, {{1, UINT32_MAX}}, true).value(), IsEmpty());
  EXPECT_EQ(engine_.writes(), writes);
  EXPECT_THAT(uids_in(box_), ElementsAre(2, 4));
  EXPECT_EQ(status(box_).deleted, 0u);
}

// Two nodes at once: each has read before the other writes.
TEST_F(MessagesTest, TwoWritersAtOnce_BothWin) {
  append_one(box_);
  append_one(box_);
  Mailboxes other(engine_, blobs_, loop_.clock(), random_);
  int done = 0;
  auto flag = [](Mailboxes& mailboxes, MailboxNumber box, std::uint8_t flags, int& count) -> Task<> {
    FlagChange change{How::add, flags, std::vector<std::string>(1, "k" + std::to_string(flags))};
    std::vector<UidRange> all(1, UidRange{1, 9});
    EXPECT_TRUE((co_await mailboxes.change_flags(kAnna, box, std::move(all), std::move(change), std::nullopt)).has_value());
    ++count;
  };
  auto move = [](Mailboxes& mailboxes, MailboxNumber box, int& count) -> Task<> {
    std::vector<UidRange> first(1, UidRange{1, 1});
    EXPECT_TRUE((co_await mailboxes.copy(kAnna, box, std::move(first), kInbox, true)).has_value());
    ++count;
  };
  auto make = [](Mailboxes& mailboxes, int& count) -> Task<> {
    EXPECT_TRUE((co_await mailboxes.create(kAnna, "meanwhile", SpecialUse::none)).has_value());
    ++count;
  };
  engine_.hold();
  loop_.start(flag(*mailboxes_, box_, kSeen, done));
  loop_.start(flag(other, box_, kFlagged, done));
  loop_.start(move(other, box_, done));
  loop_.start(make(*mailboxes_, done));
  loop_.poll();
  EXPECT_EQ(engine_.held(), 2u);
  engine_.release();
  loop_.run_until([&] { return done == 4; });
  EXPECT_EQ(messages(kInbox).size() + messages(box_).size(), 2u);
  EXPECT_EQ(messages(box_).at(0).flags, kSeen | kFlagged);
  EXPECT_EQ(keywords_of(messages(box_).at(0)).size(), 2u);
  EXPECT_TRUE(find("meanwhile").has_value());
}

}  // namespace
}  // namespace godwit::mailbox
