#pragma once
// A mailbox on the memory engine to search, sort and thread. For this module's tests, fuzz target and measurements alone.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/imapd/search.h"
#include "frontend/imapd/sort.h"
#include "frontend/imapd/thread.h"
#include "grammar/imap/command.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::imapd {

class SearchBox {
 public:
  static constexpr directory::AccountId kAccount = 1;
  static constexpr mailbox::MailboxNumber kMailbox = mailbox::kInbox;

  struct Mail {
    std::string bytes;
    WallTime received{};
    std::uint8_t flags = 0;
    std::vector<std::string> keywords;
  };

  SearchBox() {
    mailboxes = std::make_unique<mailbox::Mailboxes>(engine, blobs, loop.clock(), random);
    GODWIT_CHECK(loop.run(mailboxes->open_account(kAccount)).has_value());
    refresh();
  }

  // The message's UID. Lines may end with LF alone.
  mailbox::Uid add_mail(Mail mail) {
    if (mail.received == WallTime{}) mail.received = loop.clock().now();
    auto blob = loop.run(write_blob(blobs, with_crlf(mail.bytes)));
    GODWIT_CHECK(blob.has_value());
    std::vector<mailbox::NewMessage> messages(1);
    messages[0].email.blob = last_blob = *blob;
    messages[0].email.blob_size = with_crlf(mail.bytes).size();
    messages[0].email.received = mail.received;
    messages[0].flags = mail.flags;
    messages[0].keywords = std::move(mail.keywords);
    auto done = loop.run(mailboxes->append(kAccount, kMailbox, std::move(messages), {}));
    GODWIT_CHECK(done.has_value() && done->uids.size() == 1);
    return done->uids.front();
  }
  mailbox::Uid add(std::string bytes) { return add_mail(Mail{std::move(bytes), {}, 0, {}}); }

  void expunge(mailbox::Uid uid) { GODWIT_CHECK(loop.run(mailboxes->expunge(kAccount, kMailbox, {{uid, uid}}, false)).has_value()); }
  void change_flags(mailbox::Uid uid, mailbox::FlagChange change) {
    GODWIT_CHECK(loop.run(mailboxes->change_flags(kAccount, kMailbox, {{uid, uid}}, std::move(change), std::nullopt)).has_value());
  }
  mailbox::MessageInfo info(mailbox::Uid uid) { return loop.run(mailboxes->messages(kAccount, kMailbox, {{uid, uid}})).value().at(0); }

  // What a session would see now.
  void refresh() {
    view = loop.run(mailboxes->uids(kAccount, kMailbox)).value();
    keywords = loop.run(mailboxes->keywords(kAccount)).value();
  }
  Searching searching() {
    return Searching{.mailboxes = *mailboxes,
                     .blobs = blobs,
                     .account = kAccount,
                     .mailbox = kMailbox,
                     .view = view,
                     .keywords = keywords,
                     .recent = &recent,
                     .now = loop.clock().now(),
                     .saved = &saved,
                     .stop = stop,
                     .first_alone = false};
  }

  static Result<imap::Search> parse(std::string_view program) {
    GODWIT_ASSIGN(auto command, imap::parse_command("a " + std::string(program)));
    return std::get<imap::Search>(std::move(command.request));
  }
  // "SEARCH FROM x" -> UIDs
  Result<Found> run(std::string_view program) {
    GODWIT_ASSIGN(auto command, parse(program));
    return loop.run(search(searching(), std::move(command.key), std::move(command.charset)));
  }
  // The message numbers that a SEARCH finds: "1 3 4"; "error" if it fails.
  std::string numbers(std::string_view keys) {
    const auto found = run("SEARCH " + std::string(keys));
    return found ? text_of(found->uids) : "error";
  }
  std::string text_of(const std::vector<mailbox::Uid>& uids) const {
    std::string out;
    for (const auto uid : uids) out += (out.empty() ? "" : " ") + std::to_string(view.sequence_of(uid).value_or(0));
    return out;
  }
  // "SORT (SUBJECT) UTF-8 ALL" -> message numbers
  std::string sorted(std::string_view program) {
    auto command = std::get<imap::Sort>(imap::parse_command("a " + std::string(program)).value().request);
    auto found = loop.run(search(searching(), std::move(command.key), std::move(command.charset)));
    const auto uids = loop.run(sort(searching(), std::move(command.criteria), std::move(found->uids)));
    return uids ? text_of(*uids) : "error";
  }
  // "THREAD REFERENCES UTF-8 ALL", "UID THREAD ..."
  std::string threads(std::string_view program) {
    auto command = std::get<imap::Thread>(imap::parse_command("a " + std::string(program)).value().request);
    auto found = loop.run(search(searching(), std::move(command.key), std::move(command.charset)));
    const auto out = loop.run(thread(searching(), command.algorithm, std::move(found->uids), command.uid));
    return out.value_or("error");
  }

  static std::string with_crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '\n' && !out.ends_with('\r')) out += '\r';
      out += c;
    }
    return out;
  }

  testing::TestLoop loop;
  testing::MemoryEngine engine;
  testing::MemoryBlobs blobs;
  testing::SeededRandom random{1};
  std::unique_ptr<mailbox::Mailboxes> mailboxes;
  mailbox::UidSet view;
  std::shared_ptr<const mailbox::Keywords> keywords;
  mailbox::UidSet recent;
  imap::NumberSet saved;
  std::function<bool()> stop;
  store::BlobId last_blob;

 private:
  static Task<Result<store::BlobId>> write_blob(store::Blobs& blobs, std::string body) {
    const auto writer = blobs.begin(directory::partition_of(kAccount), 0);
    GODWIT_CO_TRY(co_await writer->append(body));
    GODWIT_CO_ASSIGN(const auto blob, co_await writer->finish());
    GODWIT_CO_TRY(co_await writer->synced());
    co_return blob;
  }
};

}  // namespace godwit::imapd
