#pragma once
// Mailboxes on the memory engine, with queued messages to deliver. For the tests of this module alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "state/mailbox/rows.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::mailbox {

using store::Keyspace;

inline constexpr directory::AccountId kAnna = 1;
inline constexpr directory::AccountId kBert = 2;
inline const std::string kAnnaAddress = "anna@example.org";

struct Queued {
  MessageId id;
  store::BlobId blob;
  std::uint64_t size = 0;
};

class MailboxFixture : public ::testing::Test {
 protected:
  using Delivered = Mailboxes::Delivered;

  MailboxFixture() { open(); }
  void TearDown() override {
    if (is_damaged_ || engine_.crashed()) return;
    for (const directory::AccountId account : {kAnna, kBert}) {
      auto differences = verify(account);
      std::erase_if(differences, [](const std::string& each) { return each.contains("the bytes of email"); });  // damaged on purpose
      EXPECT_THAT(differences, ::testing::IsEmpty());
    }
  }

  void open() { mailboxes_ = std::make_unique<Mailboxes>(engine_, blobs_, loop_.clock(), random_); }
  void restart() {
    loop_.poll();
    mailboxes_.reset();
    engine_.restart();
    open();
  }

  // A message as the queue keeps it: bytes synced, a row in `fresh`.
  Queued queued(std::string body = "Subject: x\r\n\r\nbody\r\n") {
    const MessageId id{++next_message_ << 23 | 5u << 13};
    const Queued made{id, loop_.run(write_blob(blobs_, id, body)).value(), body.size()};
    put(shard(id), Keyspace::fresh, message_key(id), "queued");
    return made;
  }
  // The same while the engine holds writes back: the row of the queue waits with the others.
  Queued queued_quietly() {
    const MessageId id{++next_message_ << 23 | 5u << 13};
    const std::string body = "Subject: y\r\n\r\n";
    store::Batch batch;
    batch.put(Keyspace::fresh, message_key(id), "queued");
    loop_.start(write(engine_, shard(id), std::move(batch)));
    ++quiet_;
    return {id, loop_.run(write_blob(blobs_, id, body)).value(), body.size()};
  }
  static Task<> write(store::Engine& engine, store::Partition partition, store::Batch batch) {
    const store::WriteDone done = co_await engine.write(partition, std::move(batch));
    EXPECT_TRUE(done.ok());
  }
  static Task<Result<store::BlobId>> write_blob(store::Blobs& blobs, MessageId id, std::string body) {
    const auto writer = blobs.begin(shard(id), id.value);
    GODWIT_CO_TRY(co_await writer->append(body));
    GODWIT_CO_ASSIGN(const auto blob, co_await writer->finish());
    GODWIT_CO_TRY(co_await writer->synced());
    co_return blob;
  }
  // The queue's last word: its row goes, the references come, in one lazy batch.
  void complete(const Queued& message, const std::vector<std::pair<directory::AccountId, EmailId>>& owners) {
    store::Batch batch;
    batch.durability = store::Batch::Durability::lazy;
    batch.erase(Keyspace::fresh, message_key(message.id));
    for (const auto& [account, email] : owners) batch.put(Keyspace::blob_refs, blob_ref_key(message.blob, account, email), "");
    ASSERT_TRUE(loop_.run(engine_.write(shard(message.id), std::move(batch))).ok());
  }

  Result<Delivered> deliver(directory::AccountId account, const Queued& message, std::string recipient = kAnnaAddress) {
    return loop_.run(mailboxes_->deliver(account, message.id, std::move(recipient), new_email(message)));
  }
  // Delivered, completed by the queue and forgotten: how an ordinary message ends.
  Delivered settle(directory::AccountId account, const Queued& message, std::string recipient = kAnnaAddress) {
    const auto done = deliver(account, message, recipient);
    EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().text);
    complete(message, {{account, done->email}});
    EXPECT_TRUE(loop_.run(engine_.sync()).has_value());  // only then may the delivery be forgotten
    loop_.run(mailboxes_->forget_delivery(account, message.id, std::move(recipient)));
    return *done;
  }
  NewEmail new_email(const Queued& message) { return {"Return-Path: <>\r\n", message.blob, message.size, loop_.clock().now(), {}}; }

  Snapshot snapshot(directory::AccountId account = kAnna) { return loop_.run(mailboxes_->snapshot(account, kInbox)).value(); }
  std::vector<Uid> uids(directory::AccountId account = kAnna) {
    std::vector<Uid> out;
    for (const auto& each : snapshot(account).messages) out.push_back(each.uid);
    return out;
  }
  Result<std::size_t> expunge(std::vector<Uid> which, directory::AccountId account = kAnna) {
    GODWIT_ASSIGN(const auto removed, loop_.run(mailboxes_->expunge(account, kInbox, ranges(which), false)));
    loop_.run(mailboxes_->tidy(account));
    return removed.size();
  }
  Result<std::vector<Uid>> expunge_in(MailboxNumber mailbox, std::vector<UidRange> uids, bool only_deleted = false) {
    auto removed = loop_.run(mailboxes_->expunge(kAnna, mailbox, std::move(uids), only_deleted));
    loop_.run(mailboxes_->tidy(kAnna));
    return removed;
  }
  // As a client brings it: bytes of the account's own partition.
  NewMessage new_message(std::string body = "Subject: z\r\n\r\n", std::uint8_t flags = 0, std::vector<std::string> keywords = {},
                         std::vector<std::string> threads = {}, directory::AccountId account = kAnna) {
    const std::uint64_t size = body.size();
    const auto blob = loop_.run(write_own_blob(blobs_, account, std::move(body))).value();
    return {{"", blob, size, loop_.clock().now() - std::chrono::hours(1), std::move(threads)}, flags, std::move(keywords)};
  }
  static Task<Result<store::BlobId>> write_own_blob(store::Blobs& blobs, directory::AccountId account, std::string body) {
    const auto writer = blobs.begin(directory::partition_of(account), 0);
    GODWIT_CO_TRY(co_await writer->append(body));
    GODWIT_CO_ASSIGN(const auto blob, co_await writer->finish());
    GODWIT_CO_TRY(co_await writer->synced());
    co_return blob;
  }
  Result<Appended> append(MailboxNumber mailbox, std::vector<NewMessage> messages, Quota quota = {}) {
    return loop_.run(mailboxes_->append(kAnna, mailbox, std::move(messages), quota));
  }
  Uid append_one(MailboxNumber mailbox, std::uint8_t flags = 0, std::vector<std::string> keywords = {},
                 std::vector<std::string> threads = {}) {
    std::vector<NewMessage> one;
    one.push_back(new_message("Subject: z\r\n\r\n", flags, std::move(keywords), std::move(threads)));
    return append(mailbox, std::move(one)).value().uids.at(0);
  }
  void open_account(directory::AccountId account = kAnna) { ASSERT_TRUE(loop_.run(mailboxes_->open_account(account)).has_value()); }
  Result<Mailbox> create(std::string name, SpecialUse use = SpecialUse::none) {
    return loop_.run(mailboxes_->create(kAnna, std::move(name), use));
  }
  Result<void> remove(std::string name) {
    auto removed = loop_.run(mailboxes_->remove(kAnna, std::move(name)));
    loop_.run(mailboxes_->tidy(kAnna));
    return removed;
  }
  Result<void> rename(std::string from, std::string to) { return loop_.run(mailboxes_->rename(kAnna, std::move(from), std::move(to))); }
  Result<Mailbox> find(std::string name) { return loop_.run(mailboxes_->find(kAnna, std::move(name))); }
  MailboxNumber number(std::string name) { return find(std::move(name)).value().number; }
  Mailbox status(MailboxNumber mailbox) { return loop_.run(mailboxes_->status(kAnna, mailbox)).value(); }
  Folders folders() { return loop_.run(mailboxes_->folders(kAnna)).value(); }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    for (const auto& each : folders().mailboxes) out.push_back(each.name);
    return out;
  }
  std::vector<MessageInfo> messages(MailboxNumber mailbox, std::vector<UidRange> uids = {{1, UINT32_MAX}}) {
    return loop_.run(mailboxes_->messages(kAnna, mailbox, std::move(uids))).value();
  }
  std::vector<Uid> uids_in(MailboxNumber mailbox) {
    std::vector<Uid> out;
    for (const auto& each : messages(mailbox)) out.push_back(each.uid);
    return out;
  }
  Result<Copied> copy(MailboxNumber from, std::vector<UidRange> uids, MailboxNumber to, bool move = false) {
    return loop_.run(mailboxes_->copy(kAnna, from, std::move(uids), to, move));
  }
  Result<FlagsChanged> change_flags(MailboxNumber mailbox, std::vector<UidRange> uids, FlagChange change,
                                    std::optional<Modseq> unchanged_since = std::nullopt) {
    return loop_.run(mailboxes_->change_flags(kAnna, mailbox, std::move(uids), std::move(change), unchanged_since));
  }
  Changes changes(MailboxNumber mailbox, Modseq since) { return loop_.run(mailboxes_->changes(kAnna, mailbox, since)).value(); }
  // One message's row changed behind the back of the counters; nothing takes it out.
  std::string page_with(MailboxNumber mailbox, Uid uid, std::optional<Membership> member) {
    const std::uint32_t number = MessagePage::page_of(uid);
    const auto row = loop_.run(engine_.get(directory::partition_of(kAnna), Keyspace::mailbox, messages_key(mailbox, number))).value();
    MessagePage page = row ? MessagePage::decode(number, row->value).value() : MessagePage();
    if (member)
      page.put(uid, *std::move(member));
    else
      page.erase(uid);
    return page.encode();
  }
  static std::vector<UidRange> ranges(const std::vector<Uid>& uids) {
    std::vector<UidRange> out;
    out.reserve(uids.size());
    for (const Uid uid : uids) out.push_back({uid, uid});
    return out;
  }
  std::vector<std::string> verify(directory::AccountId account = kAnna) { return loop_.run(mailboxes_->verify(account)).value(); }
  std::size_t rows(directory::AccountId account, Keyspace keyspace, std::string_view prefix = "") {
    std::size_t count = 0;
    for (const auto& row : engine_.dump(directory::partition_of(account), keyspace)) count += row.key.starts_with(prefix) ? 1 : 0;
    return count;
  }
  void put(store::Partition partition, Keyspace keyspace, std::string key, std::string value) {
    store::Batch batch;
    batch.put(keyspace, std::move(key), std::move(value));
    ASSERT_TRUE(loop_.run(engine_.write(partition, std::move(batch))).ok());
    if (keyspace == Keyspace::mailbox) open();  // behind the back of what it remembers
  }
  // As Directory::remove_account leaves it.
  void remove_account(directory::AccountId account) {
    put(store::kDirectoryPartition, Keyspace::outbox, directory::removal_key(account), "");
    put(directory::partition_of(account), Keyspace::directory, std::string(directory::kRemovedKey), "");
  }

  static store::Partition shard(MessageId id) { return store::kFirstShardPartition + id.shard(); }
  static std::string message_key(MessageId id) {
    std::string key;
    append_be64(key, id.value);
    return key;
  }

  testing::TestLoop loop_;
  testing::MemoryEngine engine_;
  testing::MemoryBlobs blobs_;
  testing::SeededRandom random_{1};
  std::unique_ptr<Mailboxes> mailboxes_;
  std::uint64_t next_message_ = 1'000;
  std::size_t quiet_ = 0;    // queued_quietly() so far
  bool is_damaged_ = false;  // the test leaves what verify() does not like
};

}  // namespace godwit::mailbox
