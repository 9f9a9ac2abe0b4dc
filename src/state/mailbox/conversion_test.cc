// Accounts as an earlier release left them: a row a message, a row a change.

#include "base/bytes.h"
#include "state/mailbox/earlier_rows.h"
#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string earlier_message(const Membership& member) {
  std::string out(1, '\x01');
  append_be64(out, member.email);
  append_be64(out, member.modseq);
  append_be64(out, member.size);
  out += static_cast<char>(member.flags);
  append_be64(out, static_cast<std::uint64_t>(member.saved.time_since_epoch().count()));
  append_be64(out, static_cast<std::uint64_t>(member.received.time_since_epoch().count()));
  for (const KeywordNumber each : member.keywords) append_be16(out, each);
  return out;
}

std::string earlier_change(char kind, MailboxNumber mailbox, const Tombstone& what) {
  std::string out("\x01");
  out += kind;
  append_be32(out, mailbox);
  append_be32(out, what.uid);
  append_be64(out, what.email);
  append_be64(out, what.created);
  return out;
}

std::string earlier_key(Place place) {
  std::string out(kAllEarlierMessages);
  append_be32(out, place.mailbox);
  append_be32(out, place.uid);
  return out;
}

class ConversionTest : public MailboxFixture {
 protected:
  static store::Partition partition() { return directory::partition_of(kAnna); }

  void SetUp() override {
    open_account();
    for (int i = 0; i < 70; ++i)
      append_one(2, i % 2 == 0 ? kSeen : 0, i % 3 == 0 ? std::vector<std::string>{"$Work"} : std::vector<std::string>());
    settle(kAnna, queued());
    ASSERT_TRUE(expunge_in(2, {{3, 4}}).has_value());
    ASSERT_TRUE(copy(2, {{5, 6}}, 3).has_value());
  }

  void make_old() {
    store::Batch batch;
    for (const auto& row : engine_.dump(partition(), Keyspace::mailbox)) {
      if (row.key.starts_with(kAllChanged) || row.key.starts_with(kAllMessages)) batch.erase(Keyspace::mailbox, row.key);
      if (row.key.starts_with(kAllMessages)) make_old_messages(batch, row);
      if (row.key.starts_with(kAllExpunged)) make_old_tombstones(batch, row);
      if (row.key != kAccountKey) continue;
      AccountRow account = decode_account(row.value).value();
      account.layout = 0;
      account.changes = 0;
      batch.put(Keyspace::mailbox, row.key, encode(account));
    }
    ASSERT_TRUE(loop_.run(engine_.write(partition(), std::move(batch))).ok());
    restart();
  }
  static void make_old_messages(store::Batch& batch, const store::Row& row) {
    const auto key = parse_messages_key(row.key).value();
    const auto page = MessagePage::decode(key.page, row.value).value();
    for (const Member& each : page.members()) {
      batch.put(Keyspace::mailbox, earlier_key({key.mailbox, each.uid}), earlier_message(each.row));
      batch.put(Keyspace::mailbox, changed_key(each.row.modseq),
                earlier_change(2, key.mailbox, {each.uid, each.row.email, each.row.created}));
    }
  }
  static void make_old_tombstones(store::Batch& batch, const store::Row& row) {
    const auto expunged = decode_expunged(row.value).value();
    Modseq modseq = parse_number_key(row.key).value() - expunged.messages.size();
    for (const Tombstone& each : expunged.messages)
      batch.put(Keyspace::mailbox, changed_key(++modseq), earlier_change(3, expunged.mailbox, each));
    batch.erase(Keyspace::mailbox, row.key);
  }
  std::vector<MessageInfo> everything() {
    std::vector<MessageInfo> out;
    for (const MailboxNumber number : {1u, 2u, 3u}) std::ranges::copy(messages(number), std::back_inserter(out));
    return out;
  }
  static void expect_same(const std::vector<MessageInfo>& a, const std::vector<MessageInfo>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].uid, b[i].uid);
      EXPECT_EQ(a[i].email, b[i].email);
      EXPECT_EQ(a[i].modseq, b[i].modseq);
      EXPECT_EQ(a[i].size, b[i].size);
      EXPECT_EQ(a[i].flags, b[i].flags);
      EXPECT_EQ(a[i].keywords, b[i].keywords);
      EXPECT_EQ(a[i].received, b[i].received);
      EXPECT_EQ(a[i].saved, b[i].saved);
    }
  }
};

TEST_F(ConversionTest, AtAStart_EverythingIsAsItWas) {
  const auto before = everything();
  const Modseq known = status(2).highest_modseq - 2;  // before the expunges
  make_old();
  loop_.run(mailboxes_->settle_appends({kAnna}));
  expect_same(everything(), before);
  EXPECT_THAT(changes(2, known).expunged, ElementsAre(3, 4));
  EXPECT_TRUE(changes(2, known).complete);
  EXPECT_THAT(changes(2, known).messages, IsEmpty());
  EXPECT_EQ(changes(2, 0).messages.size(), 68u);
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllEarlierMessages), 0u);
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_THAT(loop_.run(mailboxes_->rebuild(kAnna)).value(), IsEmpty());
  EXPECT_EQ(append_one(2), 71u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(ConversionTest, ByTheFirstDelivery_Too) {
  make_old();
  EXPECT_EQ(settle(kAnna, queued()).uid, 2u);
  EXPECT_EQ(messages(2).size(), 68u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(ConversionTest, CutOffAtAnyWrite_GoesOnAtTheNextStart) {
  const auto before = everything();
  for (const auto failure : {testing::MemoryEngine::Failure::lost, testing::MemoryEngine::Failure::applied}) {
    make_old();
    engine_.fail_at(1, failure);
    loop_.run(mailboxes_->settle_appends({kAnna}));
    engine_.crash_forgetting_all();
    restart();
    loop_.run(mailboxes_->settle_appends({kAnna}));
    expect_same(everything(), before);
    EXPECT_THAT(verify(), IsEmpty());
  }
}

TEST_F(ConversionTest, EarlierRows_AsTheyLayOnDisk) {
  const std::string undated =
      std::string("\x01", 1) + std::string(7, '\0') + '\x05' + std::string(7, '\0') + '\x09' + std::string(6, '\0') + "\x03\xe8\x01";
  const auto read = decode_earlier_message(undated).value();
  EXPECT_FALSE(read.is_dated);
  EXPECT_EQ(read.row.email, 5u);
  EXPECT_EQ(read.row.modseq, 9u);
  EXPECT_EQ(read.row.size, 1'000u);
  EXPECT_EQ(read.row.flags, kSeen);
  for (const std::string& bytes : {std::string(), undated.substr(0, 20), undated + "x", "\x02" + undated.substr(1)})
    EXPECT_FALSE(decode_earlier_message(bytes).has_value());
  EXPECT_FALSE(decode_earlier_change("\x01short").has_value());
  EXPECT_FALSE(decode_earlier_change(earlier_change(2, 1, {7, 5, 2})).value().has_value());
  EXPECT_THAT(decode_earlier_change(earlier_change(3, 1, {7, 5, 2})).value()->messages, ElementsAre(Tombstone{7, 5, 2}));
  EXPECT_FALSE(parse_earlier_message_key("s123").has_value());
}

}  // namespace
}  // namespace godwit::mailbox
